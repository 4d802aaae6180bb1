// SPDX-License-Identifier: LGPL-2.1-or-later
// What the processes of a node say to each other over Unix SEQPACKET sockets in the runtime directory:
// gate.sock, origin.sock, worker-<id>.sock, supervisor.sock. The owner of a name listens on it; whoever needs
// it connects, says Hello, and is told what its role subscribes to. A message is u8 type, then the fields in
// the order declared here. A packet is one message, with file descriptors beside it, or a bundle of several
// without: u8 0, then u32 length and the message for each. docs/node.md has the conversation.
//   gate → worker          Hello, Handoff(+fd), Kick
//   worker → gate          WorkerState, SessionOpened, SessionClosed
//   origin → worker        Hello, WantRendition
//   worker → origin        WorkerState, SessionOpened, StreamRecords, SessionHealth, SessionClosed,
//                          SessionPicture
//   supervisor → any       Hello, GetListeners; to the origin also Status, to the gate NodePolicy
//   worker → supervisor    WorkerState, MarksFile(+fd)
//   supervisor → control   Status (its own and each child's), NodeEvent, Operated
//   control → supervisor   Operate
//   worker → control       as to the origin, but no StreamRecords
//   supervisor → worker    Drain, Kick, AskReconnect; to the gate Drain
//   operator → any         Drain, Stop
//   any → supervisor       Status, Listeners(+fds)
// Before all of these each end tells which protocol it speaks (wire/version.h). Reading is bounded and
// refuses what it does not know, but what a compatible later version has added.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>
#include <wire/version.h>

namespace headgate::wire {

inline constexpr size_t kMaxMessageBytes = 128 * 1024;  // and of a packet
inline constexpr size_t kMaxBundled = 256;
inline constexpr size_t kBundleHeadBytes = 1, kBundledHeadBytes = 4;
inline constexpr size_t kMaxFds = 16;
inline constexpr size_t kMaxTextBytes = 64 * 1024 - 1;  // of one text field; longer ones are cut when sent
inline constexpr size_t kMaxNames = kMaxFds;
// Leaves room for the other fields of a StreamRecords: who batches, sends before this is exceeded.
inline constexpr size_t kMaxRecordsBytes = kMaxMessageBytes - 64;

// First message of whoever connects.
struct Hello {
  std::string role;  // "supervisor", "gate", "origin", "control", "cli"
  bool operator==(const Hello&) const = default;
};

// Front of WorkerState::reason when the archive takes no run: the publisher is sent to another node.
inline constexpr std::string_view kNoStorageFront = "archive: ";
// WorkerState::reason after Drain.
inline constexpr char kDraining[] = "draining";

struct WorkerState {  // after Hello, and whenever it changes
  uint32_t worker = 0;
  uint32_t pid = 0;
  uint32_t sessions = 0, capacity = 0;
  bool accepting = true;  // false: stopping, given up, or the archive takes nothing (reason says which)
  std::string reason;
  bool operator==(const WorkerState&) const = default;
};

// An admitted session, with the connection's descriptor beside it.
struct Handoff {
  uint64_t session = 0;  // unique on the node: gate's start in µs << 16 | counter
  uint32_t event = 0, station = 0;
  std::string ticket_id;  // hex
  std::string ticket;     // W, base64url
  std::string peer;       // ip:port
  std::string protocol;   // rtmp, rtmps, srt
  std::string user_agent;
  std::string claim;      // archive.md `claim`
  uint32_t max_kbps = 0;  // that the ticket allows; 0: no limit
  uint32_t codecs = 0;    // likewise, ticket::CodecBit; 0: all
  ByteVector state;       // rtmp::Server::save(); of SRT none
  bool operator==(const Handoff&) const = default;
};

struct Kick {  // end a session
  uint64_t session = 0;
  std::string reason;  // superseded, revoked, operator, shutdown
  bool operator==(const Kick&) const = default;
};

struct SessionOpened {
  uint64_t session = 0;
  uint32_t event = 0, station = 0;
  std::string ticket_id, peer, protocol, user_agent;
  int64_t since_utc_us = 0;
  int64_t grace_ms =
      -1;  // when it is over, the stream waits so long for another; below 0: as the origin does
  bool operator==(const SessionOpened&) const = default;
};

// Front of SessionClosed::reason of a hand-over that was refused because the station's sessions have ended
// with an error as often in a minute as their description allows (`errors-per-minute`).
inline constexpr std::string_view kTooManyErrorsFront = "error:its pipeline failed ";

// Sent for every Handoff, also when no session came of it.
struct SessionClosed {
  uint64_t session = 0;
  uint32_t event = 0, station = 0;
  std::string reason;  // unpublish, disconnect, timeout, kick:<reason>, error:<text>
  bool operator==(const SessionClosed&) const = default;
};

// playlist::Record encodings of one session and rendition, each preceded by u32 length; batched per tick.
// What the source's tell comes before what a derived rendition's say of the same time.
struct StreamRecords {
  uint64_t session = 0;
  uint32_t event = 0, station = 0;
  ByteVector records;
  std::string rendition{};  // playlist::valid_rendition(); empty: the source, as it was sent
  bool operator==(const StreamRecords&) const = default;
};

// Once a second and session: healthprobe's stats as JSON, and of SRT what its link is like (docs/health.md).
struct SessionHealth {
  uint64_t session = 0;
  uint32_t event = 0, station = 0;
  int64_t last_media_mono_us = 0;  // when media last came: leases (CLOCK_BOOTTIME)
  uint64_t received_bytes = 0;     // from the publisher, all of the connection
  uint32_t frame_rate_milli = 0;   // of the video as measured; 0: not known
  std::string json;
  bool operator==(const SessionHealth&) const = default;
};

struct GetListeners {
  bool operator==(const GetListeners&) const = default;
};
struct Listeners {                 // descriptors beside it, in this order
  std::vector<std::string> names;  // "rtmp", "http", …
  bool operator==(const Listeners&) const = default;
};
struct Drain {     // take no new sessions; the present ones go on
  bool on = true;  // false: take them again (a gate does; a worker that was drained ends)
  bool operator==(const Drain&) const = default;
};
struct Stop {  // end everything cleanly, within 5 s
  bool operator==(const Stop&) const = default;
};
struct Status {  // answer to Hello of a supervisor, then once a second
  std::string role;
  uint32_t pid = 0;
  std::string json;
  bool operator==(const Status&) const = default;
};

// WantRendition::rendition of who wants one small picture: a SessionPicture answers, or nothing does.
inline constexpr char kPoster[] = "poster";
struct WantRendition {  // a viewer asks for a rendition that is encoded on demand; again and again while one
                        // does
  uint64_t session = 0;
  std::string rendition;
  bool operator==(const WantRendition&) const = default;
};

// Something happened on the node (docs/events.md). To a control that connects all are told again that the
// supervisor still has.
struct NodeEvent {
  uint64_t id = 0;  // ascending, also over the supervisor's death; below 2^53
  int64_t utc_us = 0;
  std::string kind;      // words with dots: worker.died
  std::string severity;  // info, warning, error
  std::string text;      // for people
  std::string json;      // an object: the event's fields
  bool operator==(const NodeEvent&) const = default;
};

// An operator wants something done; control has checked who he is and what he says.
struct Operate {
  uint64_t id = 0;  // of the request; comes back in Operated
  std::string verb;
  std::string json;  // an object
  bool operator==(const Operate&) const = default;
};
struct Operated {
  uint64_t id = 0;
  uint32_t code = 0;  // an HTTP status
  std::string json;   // an object: from 400 on with `error` and `do`
  bool operator==(const Operated&) const = default;
};

// Publishers that have said that they heed it are asked to connect anew (Enhanced RTMP: Reconnect Request).
struct AskReconnect {
  uint64_t session = 0;  // 0: all of the worker's
  std::string url;       // where to; empty: to the same address
  std::string text;
  bool operator==(const AskReconnect&) const = default;
};

// The picture of a key frame that has just come, because somebody wanted one.
inline constexpr size_t kMaxPictureBytes = 96 * 1024;  // who made a larger one does not send it
struct SessionPicture {
  uint64_t session = 0;
  uint32_t event = 0, station = 0;
  ByteVector jpeg;
  bool operator==(const SessionPicture&) const = default;
};

// The worker's marks (wire/marks.h): a memory file beside it, at Hello.
struct MarksFile {
  bool operator==(const MarksFile&) const = default;
};

// A station whose input has ended workers: it has a worker of its own, or none for a while.
struct Isolation {
  uint32_t event = 0, station = 0;
  uint32_t worker = 0;        // number of its own, from kFirstOwnWorker on
  bool refused = false;       // it has none
  int64_t until_mono_us = 0;  // of a refusal; CLOCK_BOOTTIME
  std::string reason;         // for publishers
  bool operator==(const Isolation&) const = default;
};
inline constexpr size_t kMaxIsolated = 32;
// Workers from this number on are each for the stations that the supervisor has started it for.
inline constexpr uint32_t kFirstOwnWorker = 9000;

// A station that was on workers which took too much, and perhaps has no part in it: until that is known it
// shares a worker with few others, or none.
struct Suspect {
  uint32_t event = 0, station = 0;
  uint32_t worker = 0;  // from kFirstOwnWorker on
  bool operator==(const Suspect&) const = default;
};
inline constexpr size_t kMaxSuspects = 2000;

// Whom the gate lets in, beyond tickets and leases; at Hello, and when it changes.
struct NodePolicy {
  std::string full;      // the node takes no new stations: why; empty: it does
  int64_t grace_ms = 0;  // who went away less than that ago is let in all the same
  std::vector<Isolation> isolated;
  std::vector<Suspect> suspects;  // since 1.2
  bool operator==(const NodePolicy&) const = default;
};

using Message =
    std::variant<Hello, WorkerState, Handoff, Kick, SessionOpened, SessionClosed, StreamRecords,
                 SessionHealth, GetListeners, Listeners, Drain, Stop, Status, WantRendition, NodeEvent,
                 Operate, Operated, AskReconnect, MarksFile, NodePolicy, SessionPicture>;

void encode(const Message& message, ByteVector& out);
// `peer`: what a newer one has added behind the fields that we know is left out, what an older one does not
// have yet keeps its default.
Result<Message> decode(Bytes message, Age peer = Age::same);
// One message, or the 1 to kMaxBundled of a bundle; all or nothing, but for a newer peer's messages of types
// that we do not know: they are left out, and perhaps none is left.
Result<std::vector<Message>> decode_packet(Bytes packet, Age peer = Age::same);

}  // namespace headgate::wire

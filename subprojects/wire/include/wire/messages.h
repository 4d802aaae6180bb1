// SPDX-License-Identifier: LGPL-2.1-or-later
// What the processes of a node say to each other over Unix SEQPACKET sockets in the runtime directory:
// gate.sock, origin.sock, worker-<id>.sock, supervisor.sock. The owner of a name listens on it; whoever needs
// it connects, says Hello, and is told what its role subscribes to. A message is u8 type, then the fields in
// the order declared here. A packet is one message, with file descriptors beside it, or a bundle of several
// without: u8 0, then u32 length and the message for each. docs/node.md has the conversation.
//   gate → worker          Hello, Handoff(+fd), Kick
//   worker → gate          WorkerState, SessionOpened, SessionClosed
//   origin → worker        Hello, WantRendition
//   worker → origin        WorkerState, SessionOpened, StreamRecords, SessionHealth, SessionClosed
//   supervisor → any       Hello, GetListeners; to the origin also Status
//   operator → any         Drain, Stop
//   any → supervisor       Status, Listeners(+fds)
// Reading is bounded and refuses what it does not know; all processes of a node are of one version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>

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
  std::string role;  // "supervisor", "gate", "origin", "cli"
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

// Once a second and session: healthprobe's stats as JSON (docs/health.md).
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
struct Drain {  // take no new sessions; the present ones go on
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

struct WantRendition {  // a viewer asks for a rendition that is encoded on demand; again and again while one
                        // does
  uint64_t session = 0;
  std::string rendition;
  bool operator==(const WantRendition&) const = default;
};

using Message = std::variant<Hello, WorkerState, Handoff, Kick, SessionOpened, SessionClosed, StreamRecords,
                             SessionHealth, GetListeners, Listeners, Drain, Stop, Status, WantRendition>;

void encode(const Message& message, ByteVector& out);
Result<Message> decode(Bytes message);
// One message, or the 1 to kMaxBundled of a bundle; all or nothing.
Result<std::vector<Message>> decode_packet(Bytes packet);

}  // namespace headgate::wire

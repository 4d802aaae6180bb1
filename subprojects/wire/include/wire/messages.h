// SPDX-License-Identifier: LGPL-2.1-or-later
// What the processes of a node say to each other over Unix SEQPACKET sockets in the runtime directory:
// gate.sock, origin.sock, worker-<id>.sock. The owner of a name listens on it; whoever needs it connects,
// says Hello, and is told what it subscribed to. One message is one packet: u8 type, then the fields as
// encode() writes them; file descriptors travel beside it.
//   gate → worker      Hello, Handoff(+fd), Kick            worker → gate    WorkerState, SessionOpened,
//   SessionClosed origin → worker    Hello                                worker → origin  WorkerState,
//   SessionOpened, StreamRecords,
//                                                                            SessionHealth, SessionClosed
//   supervisor → any   Hello, GetListeners, Drain, Stop     any → supervisor Status, Listeners(+fds)
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::wire {

inline constexpr size_t kMaxMessageBytes = 128 * 1024;
inline constexpr size_t kMaxFds = 16;

// First message of whoever connects.
struct Hello {
  std::string role;  // "supervisor", "gate", "origin", "cli"
};

struct WorkerState {  // after Hello, and whenever it changes
  uint32_t worker = 0;
  uint32_t pid = 0;
  uint32_t sessions = 0, capacity = 0;
  bool accepting = true;  // false: draining, or its volume is full (reason says which)
  std::string reason;
};

// An admitted session, with the connection's descriptor beside it.
struct Handoff {
  uint64_t session = 0;  // unique on the node: gate's start in µs << 16 | counter
  uint32_t event = 0, station = 0;
  std::string ticket_id;  // hex
  std::string ticket;     // W, base64url
  std::string peer;       // ip:port
  std::string protocol;   // "rtmp"
  std::string user_agent;
  std::string claim;     // archive.md `claim`
  std::string pipeline;  // description's name; empty: the node's default
  ByteVector state;      // rtmp::… saved state, ending with bytes read and not yet parsed
};

struct Kick {  // end a session
  uint64_t session = 0;
  std::string reason;  // superseded, revoked, operator, shutdown
};

struct SessionOpened {
  uint64_t session = 0;
  uint32_t event = 0, station = 0;
  std::string ticket_id, peer, protocol, user_agent;
  int64_t since_utc_us = 0;
};

struct SessionClosed {
  uint64_t session = 0;
  uint32_t event = 0, station = 0;
  std::string reason;  // unpublish, disconnect, kick:<reason>, error:<text>
};

// playlist::Record encodings of one session, each preceded by u32 length; batched per tick.
struct StreamRecords {
  uint64_t session = 0;
  uint32_t event = 0, station = 0;
  ByteVector records;
};

// Once a second and session: healthprobe's stats as JSON (docs/health.md).
struct SessionHealth {
  uint64_t session = 0;
  uint32_t event = 0, station = 0;
  int64_t last_media_mono_us = 0;  // when media last came: leases (CLOCK_BOOTTIME)
  std::string json;
};

struct GetListeners {};
struct Listeners {                 // descriptors beside it, in this order
  std::vector<std::string> names;  // "rtmp", "http", …
};
struct Drain {};
struct Stop {};
struct Status {  // answer to Hello of a supervisor, then once a second
  std::string role;
  uint32_t pid = 0;
  std::string json;
};

using Message = std::variant<Hello, WorkerState, Handoff, Kick, SessionOpened, SessionClosed, StreamRecords,
                             SessionHealth, GetListeners, Listeners, Drain, Stop, Status>;

void encode(const Message& message, ByteVector& out);
Result<Message> decode(Bytes packet);

}  // namespace headgate::wire

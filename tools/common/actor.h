// SPDX-License-Identifier: LGPL-2.1-or-later
// Who had the node do something: what events and the log say of him (docs/events.md).
#pragma once

#include <cstdint>
#include <string>

#include <base/loop.h>

namespace headgate::tools {

inline constexpr size_t kMaxActorBytes = 120;  // of `by` and of `from` each

struct Actor {
  std::string by;      // a token's name, a user's, or "systemd"; empty: not known
  std::string from;    // how he came: an address, "admin.sock uid=0", "SIGHUP uid=0 pid=1"
  std::string reason;  // in his own words; empty: he gave none
};

// A user's name in the file `path`, else "uid 1000". Other sources of names are not asked: they may be on a
// network, and nobody waits for one here.
std::string user_name(uint32_t uid, const std::string& path = "/etc/passwd");

// What the kernel says of the other end of a Unix socket (SO_PEERCRED); `way` is the socket's name. The user
// who has logged in is named where the kernel tells (/proc/PID/loginuid), so that one can be told from
// another behind sudo.
Actor actor_of_peer(int socket, const std::string& way);

// Of process 1 that is what it is called: "systemd". A terminal's keys are nobody.
Actor actor_of_signal(const SignalInfo& signal);

}  // namespace headgate::tools

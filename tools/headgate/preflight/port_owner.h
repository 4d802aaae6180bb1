// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/types.h>

#include <set>
#include <string>

#include "machine.h"

namespace headgate::preflight {

// Who has a socket bound to the port: "nginx (pid 412)"; empty: nobody, or nobody that we may see. `udp`:
// else listening TCP sockets.
std::string owner_of_port(const Machine& machine, int port, bool udp);
// The ports that a process's own sockets have, of those that we may see.
std::set<int> ports_of(const Machine& machine, pid_t process, bool udp);

}  // namespace headgate::preflight

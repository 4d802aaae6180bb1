// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "machine.h"

namespace headgate::preflight {

// Who has a socket bound to the port: "nginx (pid 412)"; empty: nobody, or nobody that we may see. `udp`:
// else listening TCP sockets.
std::string owner_of_port(const Machine& machine, int port, bool udp);

}  // namespace headgate::preflight

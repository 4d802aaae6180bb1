// SPDX-License-Identifier: LGPL-2.1-or-later
// Listening sockets: opened by whoever owns a port (headgate serve, systemd, a test) and inherited by
// name, as systemd's sd_listen_fds(3) describes: descriptors from 3, LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::tools {

inline constexpr int kFirstListenFd = 3;
inline constexpr int kListenBacklog = 1024;  // the kernel limits it to net.core.somaxconn

// "HOST:PORT", "[V6]:PORT" or ":PORT" (all addresses, as is "*"); numeric hosts only: a name would be looked
// up over the network. Non-blocking, close-on-exec, SO_REUSEADDR.
Result<UniqueFd> listen_tcp(const std::string& address);
// The same for datagrams; without SO_REUSEADDR, which would give another process's packets away.
Result<UniqueFd> bind_udp(const std::string& address);
// "HOST:PORT[,PORT...]" as one address for each port.
std::vector<std::string> addresses_of(const std::string& ports);
// Whether each of these could be listened on, as far as the text tells: nothing is opened.
Result<void> check_addresses(const std::string& ports);
// What the socket is bound to: "127.0.0.1:40123", "[::1]:40123".
Result<std::string> bound_address(int fd);

using Listeners = std::multimap<std::string, UniqueFd>;
// Takes what this process was given, once; removes the variables so that children do not mistake them.
Listeners take_inherited_listeners();
// LISTEN_FDNAMES of descriptors passed in this order.
std::string listener_names(const std::vector<std::string>& names);

}  // namespace headgate::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
// Unix socket addresses of any path length: a sockaddr_un has room for 107 characters, so the directory is
// opened and the name reached through /proc/self/fd (unix(7), proc(5)).
#pragma once

#include <sys/un.h>

#include <string>

#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::wire {

struct SocketAddress {
  UniqueFd directory;  // must live as long as `address` is used
  sockaddr_un address{};
};
Result<SocketAddress> socket_address(const std::string& path);

}  // namespace headgate::wire

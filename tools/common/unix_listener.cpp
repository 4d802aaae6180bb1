// SPDX-License-Identifier: LGPL-2.1-or-later
#include "admin.h"

#include <base/io.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace headgate::origin {

Result<UniqueFd> listen_admin(const std::string& runtime_dir) {
  constexpr int kBacklog = 16;
  const std::string path = runtime_dir + "/" + kAdminSocket, fresh = path + ".new";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (fresh.size() >= sizeof address.sun_path) return Unexpected(ENAMETOOLONG, fresh + ": too long a path");
  std::memcpy(address.sun_path, fresh.c_str(), fresh.size() + 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("socket");
  ::unlink(fresh.c_str());
  // The socket's mode before it is bound is the mode that its name gets.
  if (::fchmod(fd.get(), 0600) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(fresh.c_str(), 0600) != 0 || ::listen(fd.get(), kBacklog) != 0 ||
      ::rename(fresh.c_str(), path.c_str()) != 0)
    return errno_error("listen on " + path);
  return fd;
}

void forget_admin(const std::string& runtime_dir) {
  ::unlink((runtime_dir + "/" + kAdminSocket).c_str());
}

}  // namespace headgate::origin

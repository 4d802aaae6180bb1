// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unix_listener.h"

#include <base/io.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace headgate::tools {

Result<UniqueFd> listen_unix(const std::string& runtime_dir, const std::string& name) {
  constexpr int kBacklog = 16;
  const std::string path = runtime_dir + "/" + name, fresh = path + ".new";
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

void forget_unix(const std::string& runtime_dir, const std::string& name) {
  ::unlink((runtime_dir + "/" + name).c_str());
}

}  // namespace headgate::tools

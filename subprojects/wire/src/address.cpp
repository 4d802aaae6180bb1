// SPDX-License-Identifier: LGPL-2.1-or-later
#include "address.h"

#include <base/io.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <filesystem>

namespace headgate::wire {

Result<SocketAddress> socket_address(const std::string& path) {
  std::filesystem::path whole(path);
  std::string directory = whole.parent_path().string();
  auto fd = open_file(directory.empty() ? "." : directory, O_PATH | O_DIRECTORY);
  if (!fd) return Unexpected(fd.error());
  SocketAddress out;
  out.directory = *std::move(fd);
  std::string name = "/proc/self/fd/" + std::to_string(out.directory.get()) + "/" + whole.filename().string();
  if (name.size() >= sizeof out.address.sun_path) return Unexpected(ENAMETOOLONG, path + ": name too long");
  out.address.sun_family = AF_UNIX;
  name.copy(out.address.sun_path, name.size());
  return out;
}

}  // namespace headgate::wire

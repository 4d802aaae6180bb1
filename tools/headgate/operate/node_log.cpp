// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node_log.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "node_client.h"

namespace headgate::cli {

Result<std::string> log_of_node(const std::string& socket) {
  const auto node = NodeClient(socket).node();
  if (!node) return Unexpected(node.error().message + "; what it has logged: --file FILE");
  int64_t pid = 0;
  node->each("processes", [&](const Json& one) {
    if (one.text("role") == "supervisor") pid = one.integer("pid");
  });
  const std::string link = "/proc/" + std::to_string(pid) + "/fd/2";
  struct stat status {};
  if (pid <= 0 || ::stat(link.c_str(), &status) != 0)
    return Unexpected("where the node logs to cannot be seen (its own user and root may): --file FILE");
  if (S_ISSOCK(status.st_mode)) return std::string();
  std::error_code error;
  const std::string path = std::filesystem::read_symlink(link, error).string();
  if (!S_ISREG(status.st_mode)) return Unexpected("the node logs to " + path + ": start it with 2>node.log");
  // It may have been moved away or removed: what it has is read all the same.
  return std::filesystem::exists(path, error) ? path : link;
}

}  // namespace headgate::cli

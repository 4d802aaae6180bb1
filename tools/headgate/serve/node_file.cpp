// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node_file.h"

#include <base/io.h>
#include <fcntl.h>

#include <cstdio>

namespace headgate::serve {

Result<void> write_node_file(const std::string& path, const std::string& text) {
  std::string fresh = path + ".tmp";
  auto fd = open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0640);
  if (!fd) return Unexpected(fd.error());
  if (auto written = write_all(fd->get(), as_bytes(text)); !written) return written;
  if (::rename(fresh.c_str(), path.c_str()) != 0) return errno_error("rename " + fresh);
  return {};
}

}  // namespace headgate::serve

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "succession.h"

#include <base/io.h>
#include <common/log.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace headgate::serve {
namespace {

bool is_file_at(const UniqueFd& fd, const std::string& path) {
  struct stat held {
  }, there{};
  return ::fstat(fd.get(), &held) == 0 && ::stat(path.c_str(), &there) == 0 && held.st_dev == there.st_dev &&
         held.st_ino == there.st_ino;
}

}  // namespace

Result<void> Succession::take(const std::string& runtime_dir, const std::string& data) {
  const std::string path = runtime_dir + "/supervisor.lock";
  if (Heritage heritage = take_heritage(); heritage.any()) {
    succeeds_ = true;
    lock_ = std::move(heritage.lock);
    for (auto& [name, fd] : heritage.listeners) listeners_.take(name, std::move(fd));
    collect_ended_children();
    // A trial of another version may not have seen that the settings are another node's.
    if (is_file_at(lock_, path)) return {};
    return Unexpected(
        "the settings are of a node at " + runtime_dir +
        ", and another one runs: its processes go on alone. Give them back, or end those first");
  }
  auto fd = open_file(path, O_RDWR | O_CREAT, 0600);
  if (!fd) return Unexpected(fd.error());
  if (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return errno_error("lock " + path);
    return Unexpected("another `headgate serve` runs on " + data + " (it holds " + path + ")");
  }
  lock_ = *std::move(fd);
  return {};
}

Result<void> Succession::become(const Self& self) {
  tools::log_notice("becoming the program on disk", {{"PROGRAM", self.program.path}});
  auto ended = tasks_.end_all();                                     // what they did is begun again
  auto became = serve::become(self, lock_.get(), listeners_.all());  // or this is another program now
  loop_.post([ended = std::move(ended)] {
    for (const auto& done : ended) done(kWasEnded);
  });
  return became;
}

}  // namespace headgate::serve

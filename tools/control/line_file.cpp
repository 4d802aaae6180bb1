// SPDX-License-Identifier: LGPL-2.1-or-later
#include "line_file.h"

#include <base/io.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace headgate::control {

LineFile::LineFile(const std::string& path) {
  auto fd = open_file(path, O_RDONLY);
  struct stat state {};
  if (!fd || ::fstat(fd->get(), &state) != 0) return;
  fd_ = *std::move(fd);
  size_ = static_cast<uint64_t>(state.st_size);
}

uint64_t LineFile::read(uint64_t from, size_t most, const OnLine& on_line) const {
  std::array<char, kPieceBytes> piece;
  std::string cut;  // the beginning of a line whose end is in a later piece
  uint64_t begins = from, at = from;
  bool too_long = false;  // and what came of it was dropped
  while (fd_) {
    const ssize_t got = ::pread(fd_.get(), piece.data(), piece.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    at += static_cast<uint64_t>(got);
    std::string_view left(piece.data(), static_cast<size_t>(got));
    for (size_t end = left.find('\n'); end != left.npos; end = left.find('\n')) {
      std::string_view line = left.substr(0, end);
      const bool whole = !too_long && cut.size() + line.size() <= most;
      if (!cut.empty()) line = cut.append(line.substr(0, whole ? line.npos : 0));
      if (whole && !on_line(line, begins)) return at - from;
      left.remove_prefix(end + 1);
      begins = at - left.size();
      cut.clear();
      too_long = false;
    }
    too_long = too_long || cut.size() + left.size() > most;
    if (too_long)
      cut.clear();
    else
      cut += left;
  }
  return at - from;
}

}  // namespace headgate::control

// SPDX-License-Identifier: LGPL-2.1-or-later
// For LD_PRELOAD: a worker that is killed behind a write and before it has told of it. As long as there is
// the file that HEADGATE_TEST_CUT names, who writes the first part of a segment into the archive takes that
// file away and ends, as by kill -9.
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

// docs/archive.md, part box: size, "uuid", the uuid, version and flags; the part's number in its segment.
constexpr size_t kIndexAt = 4 + 4 + 16 + 4, kIndexEnd = kIndexAt + 4;

bool begins_segment(const iovec& box) {
  std::array<char, kIndexEnd> bytes{};
  if (box.iov_len < bytes.size()) return false;
  std::memcpy(bytes.data(), box.iov_base, bytes.size());
  return std::string_view(&bytes[4], 4) == "uuid" &&
         std::all_of(bytes.begin() + kIndexAt, bytes.end(), [](char byte) { return byte == 0; });
}

// Not in a volume of something derived.
bool in_archive(int fd) {
  std::array<char, PATH_MAX> path{};
  const ssize_t length =
      ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size());
  const std::string_view name(path.data(), length > 0 ? static_cast<size_t>(length) : 0);
  return name.find("/lta/") != name.npos && name.find("/derived/") == name.npos;
}

}  // namespace

extern "C" {

// With _FILE_OFFSET_BITS=64, which Meson always sets, this is the symbol pwritev64, as it is for callers.
ssize_t pwritev(int fd, const iovec* spans, int count, off_t offset) {
  const ssize_t written = ::syscall(SYS_pwritev, fd, spans, count, offset, 0);
  const char* const mark = std::getenv("HEADGATE_TEST_CUT");
  if (mark != nullptr && written > 0 && begins_segment(spans[0]) && in_archive(fd) && ::unlink(mark) == 0)
    ::kill(::getpid(), SIGKILL);
  return written;
}
}

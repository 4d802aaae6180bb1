// SPDX-License-Identifier: LGPL-2.1-or-later
#include "failing_disk.h"

#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace headgate::test {

FailingDisk& failing_disk() {
  static FailingDisk disk;
  return disk;
}

namespace {

ssize_t do_pwritev(int fd, const iovec* spans, int count, off_t offset) {
  FailingDisk& disk = failing_disk();
  if (int code = disk.pwritev_errno) {
    auto most = static_cast<size_t>(disk.pwritev_bytes.exchange(0));
    for (int i = 0; most > 0 && i < count; ++i)
      if (spans[i].iov_len > 0)
        return ::pwrite(fd, spans[i].iov_base, std::min(most, spans[i].iov_len), offset);
    errno = code;
    return -1;
  }
  return ::syscall(SYS_pwritev, fd, spans, count, offset, 0);
}

}  // namespace
}  // namespace headgate::test

// With _FILE_OFFSET_BITS=64, which Meson always sets, this is the symbol pwritev64, as it is for callers.
extern "C" {
ssize_t pwritev(int fd, const iovec* spans, int count, off_t offset) {
  return headgate::test::do_pwritev(fd, spans, count, offset);
}
int syncfs(int fd) {
  auto& disk = headgate::test::failing_disk();
  ++disk.syncfs_calls;
  disk.syncfs_waits.wait(true);
  if (int code = disk.syncfs_errno) {
    errno = code;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_syncfs, fd));
}
int flock(int fd, int operation) {
  auto& disk = headgate::test::failing_disk();
  if (int code = operation & LOCK_NB && disk.on_flock ? disk.on_flock() : 0) {
    errno = code;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_flock, fd, operation));
}
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "chain_lock.h"

#include <base/io.h>
#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "layout.h"

namespace headgate::store {
namespace {

// Far behind any chain's end: only a writer has a lock there.
constexpr off_t kWriterByte = off_t{1} << 62;

struct flock range(short type, off_t start, off_t length) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = length;
  return lock;
}

}  // namespace

Result<UniqueFd> lock_chain(const std::string& directory, bool create) {
  std::string path = directory + "/" + std::string(kChainName);
  auto file = open_file(path, O_RDWR | O_APPEND | (create ? O_CREAT | O_EXCL : 0));
  if (!file) return file;
  struct flock whole = range(F_WRLCK, 0, 0), writer = range(F_UNLCK, kWriterByte, 1);
  if (::fcntl(file->get(), F_OFD_SETLK, &whole) == 0) {
    if (!create && ::fcntl(file->get(), F_OFD_SETLK, &writer) != 0) return errno_error("unlock " + path);
    return file;
  }
  if (errno == EAGAIN || errno == EACCES)
    return Unexpected(EBUSY, path + ": being written by a living process");
  return errno_error("lock " + path);
}

bool chain_has_writer(const std::string& directory) {
  auto file = open_file(directory + "/" + std::string(kChainName), O_RDONLY);
  if (!file) return false;
  struct flock lock = range(F_RDLCK, kWriterByte, 1);
  return ::fcntl(file->get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

Result<UniqueFd> lock_station(const std::string& path, bool wait) {
  auto directory = open_file(path, O_RDONLY | O_DIRECTORY);
  if (!directory && directory.error().code == ENOENT) return UniqueFd();
  if (!directory) return directory;
  while (::flock(directory->get(), LOCK_EX | (wait ? 0 : LOCK_NB)) != 0) {
    if (errno == EWOULDBLOCK) return Unexpected(EBUSY, path + ": another process is opening a run");
    if (errno != EINTR) return errno_error("lock " + path);
  }
  return directory;
}

}  // namespace headgate::store

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "chain_lock.h"

#include <base/io.h>
#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "layout.h"

namespace headgate::store {
namespace {

struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

Result<UniqueFd> lock_chain(const std::string& directory, bool create) {
  std::string path = directory + "/" + std::string(kChainName);
  auto file = open_file(path, O_RDWR | O_APPEND | (create ? O_CREAT | O_EXCL : 0));
  if (!file) return file;
  struct flock lock = whole_file(F_WRLCK);
  if (::fcntl(file->get(), F_OFD_SETLK, &lock) == 0) return file;
  if (errno == EAGAIN || errno == EACCES)
    return Unexpected(EBUSY, path + ": being written by a living process");
  return errno_error("lock " + path);
}

bool chain_is_locked(const std::string& directory) {
  auto file = open_file(directory + "/" + std::string(kChainName), O_RDONLY);
  if (!file) return false;
  struct flock lock = whole_file(F_RDLCK);
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

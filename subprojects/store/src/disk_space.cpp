// SPDX-License-Identifier: LGPL-2.1-or-later
#include "disk_space.h"

#include <base/io.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>

namespace headgate::store {

DiskSpace::DiskSpace(const VolumeSettings& settings)
    : root_(settings.root),
      path_(settings.root + "/reserve"),
      reserve_bytes_(settings.reserve_bytes),
      min_free_bytes_(settings.min_free_bytes) {}

bool DiskSpace::reserve_in_place() const {
  struct stat info {};
  return reserve_bytes_ == 0 || !can_reserve_ ||
         (::stat(path_.c_str(), &info) == 0 && static_cast<uint64_t>(info.st_size) >= reserve_bytes_);
}

bool DiskSpace::fill_reserve() {
  auto file = open_file(path_, O_WRONLY | O_CREAT);
  if (!file) return false;
  if (::fallocate(file->get(), 0, 0, static_cast<off_t>(reserve_bytes_)) == 0) return true;
  can_reserve_ = errno != EOPNOTSUPP && errno != ENOSYS;
  release_reserve();
  return !can_reserve_;
}

Space DiskSpace::measure() {
  struct statvfs info {};
  // A volume that cannot even be asked takes no new runs; what is wrong shows in the next write.
  if (::statvfs(root_.c_str(), &info) != 0) return Space::full;
  uint64_t free = static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  if (reserve_in_place()) return free < min_free_bytes_ ? Space::low : Space::good;
  bool room = free >= min_free_bytes_ && free - min_free_bytes_ >= reserve_bytes_;
  return room && fill_reserve() ? Space::good : Space::full;
}

void DiskSpace::release_reserve() {
  if (::truncate(path_.c_str(), 0) != 0) return;  // not there: nothing to give
}

}  // namespace headgate::store

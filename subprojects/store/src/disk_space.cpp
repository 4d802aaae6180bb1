// SPDX-License-Identifier: LGPL-2.1-or-later
#include "disk_space.h"

#include <base/io.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace headgate::store {
namespace {

std::string reason(const std::string& path) {
  return path + ": " + std::generic_category().message(errno);
}

}  // namespace

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

VolumeState DiskSpace::inspect() const {
  VolumeState state;
  struct statvfs info {};
  // A volume that cannot even be asked takes no new runs.
  if (::statvfs(root_.c_str(), &info) != 0) {
    state.problem = "the archive's volume cannot be asked for its space: " + reason(root_);
    return state;
  }
  state.free_bytes = static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  // File systems that make inodes as they need them say they have none.
  const bool files = info.f_files == 0 || info.f_favail >= kLeastFreeFiles;
  const uint64_t needed = min_free_bytes_ + (reserve_in_place() ? 0 : reserve_bytes_);
  if (files && state.free_bytes >= needed)
    state.space = Space::good;
  else if (reserve_in_place())
    state.space = Space::low;
  if ((info.f_flag & ST_RDONLY) != 0)
    state.problem = "the archive's volume is read-only: " + root_;
  else if (::access(root_.c_str(), W_OK | X_OK) != 0)
    state.problem = "the archive's folder cannot be written: " + reason(root_);
  else if (!files)
    state.problem = "the archive's disk has no room for more files: " + std::to_string(info.f_favail) +
                    " inodes are free on " + root_;
  else if (state.space != Space::good)
    state.problem = "the archive's disk is full: " + std::to_string(state.free_bytes >> 20) + " MiB free, " +
                    std::to_string(needed >> 20) + " needed: make room on " + root_;
  return state;
}

Space DiskSpace::measure() {
  Space space = inspect().space;
  if (space == Space::good && !reserve_in_place() && !fill_reserve()) return Space::full;
  return space;
}

void DiskSpace::release_reserve() {
  if (::truncate(path_.c_str(), 0) != 0) return;  // not there: nothing to give
}

}  // namespace headgate::store

// SPDX-License-Identifier: LGPL-2.1-or-later
// How much room a volume has, and the reserve: a preallocated file that is emptied when the disk is full, so
// that chains can still be written. Its being empty is also how the other processes on the volume learn of
// it.
#pragma once

#include <cstdint>
#include <string>

#include <store/run_writer.h>

namespace headgate::store {

// A run takes a directory and three files, later two for each rotation.
inline constexpr uint64_t kLeastFreeFiles = 1000;

// Not thread-safe.
class DiskSpace {
 public:
  explicit DiskSpace(const VolumeSettings& settings);
  // Looks at the disk, changes nothing.
  VolumeState inspect() const;
  // And puts the reserve in place when there is room for it.
  Space measure();
  // The disk took no more.
  void release_reserve();

 private:
  bool reserve_in_place() const;
  bool fill_reserve();
  std::string root_, path_;
  uint64_t reserve_bytes_, min_free_bytes_;
  bool can_reserve_ = true;  // false: this file system knows no fallocate
};

}  // namespace headgate::store

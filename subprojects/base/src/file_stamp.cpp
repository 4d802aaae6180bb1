// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/file_stamp.h>
#include <sys/stat.h>

namespace headgate {
namespace {

int64_t ns_of(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileStamp stamp_of(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino, static_cast<uint64_t>(found.st_size), ns_of(found.st_mtim),
          ns_of(found.st_ctim)};
}

}  // namespace headgate

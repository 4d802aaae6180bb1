// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

namespace headgate {

// By what a file is known to be another one than before: replaced, or written to.
struct FileStamp {
  uint64_t device = 0, inode = 0, size = 0;  // all zero: there is none
  int64_t modified_ns = 0, changed_ns = 0;
  bool operator==(const FileStamp&) const = default;
};

FileStamp stamp_of(const std::string& path);

}  // namespace headgate

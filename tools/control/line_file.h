// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads lines of a file a piece after the other: from anywhere in it, and no more of it than is wanted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <base/unique_fd.h>

namespace headgate::control {

inline constexpr size_t kPieceBytes = 16 << 10;  // that are read at a time

class LineFile {
 public:
  // A line without its end, and where in the file it begins. False: no more are wanted.
  using OnLine = std::function<bool(std::string_view line, uint64_t at)>;

  explicit LineFile(const std::string& path);
  explicit operator bool() const { return bool(fd_); }  // it could be opened
  uint64_t size() const { return size_; }               // when it was opened
  // Lines that begin at `from` or later, up to `most` bytes each: longer ones are left out. What has no end
  // yet is none. Returns how many bytes were read for it.
  uint64_t read(uint64_t from, size_t most, const OnLine& on_line) const;

 private:
  UniqueFd fd_;
  uint64_t size_ = 0;
};

}  // namespace headgate::control

// SPDX-License-Identifier: LGPL-2.1-or-later
// What goes wrong for each request that comes, and strangers may send as many as they like: an error becomes
// a line when it comes first, and then once in a while, with how often it came meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace headgate::origin {

inline constexpr int64_t kSameErrorMs = 60'000;  // so long no other line of the same
// Different ones in that time. Of more of them there is no line.
inline constexpr size_t kMaxErrorsKept = 64;

class ErrorLines {
 public:
  // `what` has happened. The line that says so; none: it was told of not long ago, or there are too many.
  std::optional<std::string> line(const std::string& what, int64_t mono_us);

 private:
  struct Told {
    int64_t at_us;
    uint64_t again = 0;  // since then
  };
  std::map<std::string, Told> told_;
};

}  // namespace headgate::origin

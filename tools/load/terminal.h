// SPDX-License-Identifier: LGPL-2.1-or-later
// What a running load shows on standard error: one block that refreshes on a terminal, a line now and then
// elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace headgate::load {

inline constexpr int64_t kLineSeconds = 5;  // between two lines where standard error is no terminal

class LiveBlock {
 public:
  LiveBlock();
  // Once a second. `rows`: label and values; of these a plain line has those in `line`.
  void show(const std::vector<std::string>& rows, const std::string& line);

 private:
  bool terminal_;
  size_t drawn_ = 0;  // rows on the screen
  int64_t calls_ = 0;
};

// "12.3k", "4.56M": three significant digits.
std::string short_number(double value);

}  // namespace headgate::load

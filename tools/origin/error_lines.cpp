// SPDX-License-Identifier: LGPL-2.1-or-later
#include "error_lines.h"

namespace headgate::origin {

std::optional<std::string> ErrorLines::line(const std::string& what, int64_t mono_us) {
  const int64_t before_us = mono_us - kSameErrorMs * 1000;
  uint64_t again = 0;
  if (const auto known = told_.find(what); known != told_.end()) {
    if (known->second.at_us > before_us) {
      ++known->second.again;
      return std::nullopt;
    }
    again = known->second.again;
  }
  // Those whose time is over, this one with them.
  std::erase_if(told_, [&](const auto& one) { return one.second.at_us <= before_us; });
  if (told_.size() >= kMaxErrorsKept) return std::nullopt;
  told_[what] = {mono_us};
  return again > 0 ? what + " (and " + std::to_string(again) + " times since it was last told)" : what;
}

}  // namespace headgate::origin

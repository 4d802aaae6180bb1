// SPDX-License-Identifier: LGPL-2.1-or-later
// What lines of run.jl add up to, read without a JSON parser and without looking at the chain: for numbers
// that are shown, of runs of hours.
#pragma once

#include <cstdint>
#include <string_view>

#include <base/result.h>

namespace headgate::store {

struct LineSum {
  uint64_t segments = 0, gaps = 0;
  int64_t duration = 0;  // playlist::kTimescale
  void add(std::string_view line);
};

// Of the lines that begin in [from, to) of a run.jl; a line begins at `from`. Read in blocks.
Result<LineSum> sum_lines(int fd, uint64_t from, uint64_t to);

// Whole lines of `text`, without newline, until `take` returns false.
template <typename Take>
void for_each_line(std::string_view text, Take take) {
  for (size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    if (!take(text.substr(0, end))) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace headgate::store

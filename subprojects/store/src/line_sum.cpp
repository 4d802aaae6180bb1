// SPDX-License-Identifier: LGPL-2.1-or-later
#include "line_sum.h"

#include <base/io.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "chain.h"
#include "records.h"

namespace headgate::store {
namespace {

constexpr uint64_t kSumBlockBytes = 1 << 20;

// Of a line's own field: quotes inside a value are escaped, and the fields before it hold no arrays.
std::optional<int64_t> number_of(std::string_view line, std::string_view field) {
  size_t at = line.find(field);
  if (at == line.npos) return std::nullopt;
  const char* digits = line.data() + at + field.size();
  int64_t value = 0;
  auto number = std::from_chars(digits, line.data() + line.size(), value);
  bool good = number.ec == std::errc() && value >= 0 && value <= kMaxNumber;
  return good ? std::optional(value) : std::nullopt;
}

}  // namespace

void LineSum::add(std::string_view line) {
  auto head = parse_line_head(line);
  if (!head) return;
  if (head->type == "gap") ++gaps;
  if (head->type != "frag") return;
  auto ticks = number_of(line, ",\"dur\":");
  // A sum of limited ones fits: a run.jl has far less than 2^31 lines.
  if (!ticks || *ticks > playlist::kMaxDuration || duration > kMaxNumber) return;
  ++segments;
  duration += *ticks;
}

Result<LineSum> sum_lines(int fd, uint64_t from, uint64_t to) {
  LineSum sum;
  std::string text;  // begins with a line
  while (from < to) {
    uint64_t length = std::min(to - from, kSumBlockBytes);
    auto block = pread_exact(fd, from, length);
    if (!block) return Unexpected(block.error());
    from += length;
    text += as_text(*block);
    size_t whole = text.rfind('\n') + 1;
    for_each_line(std::string_view(text).substr(0, whole), [&](std::string_view line) {
      sum.add(line);
      return true;
    });
    text.erase(0, whole);
    // No line of ours: nothing to count until the next newline.
    if (text.size() > kMaxLineBytes) text.resize(kMaxLineBytes);
  }
  return sum;
}

}  // namespace headgate::store

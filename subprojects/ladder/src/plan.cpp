// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ladder/plan.h>

#include <algorithm>

namespace headgate::ladder {
namespace {

constexpr uint32_t kLeastSide = 16;

uint32_t even(uint64_t over, uint64_t under) {
  const auto half = static_cast<uint32_t>((over + under) / (2 * under));
  return std::max(2 * half, kLeastSide);
}

}  // namespace

Plan make_plan(const std::vector<Rung>& rungs, const SourcePicture& source) {
  Plan plan;
  if (source.width == 0 || source.height == 0) return plan;
  const uint64_t over = std::max(source.aspect_over, 1u), under = std::max(source.aspect_under, 1u);
  // As shown, scaled by the common `under`.
  const uint64_t width = source.width * over, height = source.height * under;
  const bool upright = height > width;
  const uint64_t source_lines = upright ? source.width : source.height;
  for (const Rung& rung : rungs) {
    if (rung.is_audio()) continue;
    if (rung.lines > source_lines) {
      plan.dropped.push_back({rung, DropReason::larger_than_source});
    } else if (rung.lines == source_lines && source.stands &&
               source.kbps <= uint64_t{kMostOfRung} * rung.kbps) {
      plan.dropped.push_back({rung, DropReason::is_source});
    } else {
      const uint32_t longer = upright ? even(rung.lines * height, width) : even(rung.lines * width, height);
      plan.rungs.push_back({rung, upright ? rung.lines : longer, upright ? longer : rung.lines});
    }
  }
  return plan;
}

std::vector<std::optional<size_t>> scaled_from(const std::vector<uint32_t>& lines) {
  std::vector<std::optional<size_t>> from(lines.size());
  for (size_t i = 1; i < lines.size(); ++i)
    for (size_t larger = i; larger-- > 0 && !from[i];)
      if (!from[larger] && lines[larger] / 2 >= lines[i]) from[i] = larger;
  return from;
}

}  // namespace headgate::ladder

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <store/told_parts.h>

#include <playlist/stream_index.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "part_box.h"

namespace headgate::store {
namespace {

using playlist::kFrameTicks;

// Pictures that are further ahead of their sound are not kept waiting for it, but for a few frames of either.
constexpr int64_t kWaits = fmp4::kInterleaveMs * (playlist::kTimescale / 1000) - 2 * kFrameTicks;

}  // namespace

int64_t told_before_end(const fmp4::Source& media, const playlist::SegmentRecord& segment,
                        const SoundOfSegment& sound) {
  const uint64_t end = segment.offset + segment.length;
  const fmp4::Source whole{media.read, std::min(media.size, end)};
  PartWalker walker(whole, segment.offset);
  int64_t begin = 0, last = 0;
  bool foretold = false;      // its end was, and told with the last part
  std::vector<int64_t> ends;  // of its parts, from its beginning on
  while (const auto box = walker.next()) {
    if (ends.empty()) begin = box->part.pts;
    last = box->part.duration;
    foretold = box->ends_segment;
    ends.push_back((ends.empty() ? 0 : ends.back()) + last);
  }
  if (ends.empty() || walker.position() != end) return 0;
  if (foretold) {
    // Its last frame may last until sound is back, in the next segment.
    const int64_t over = sound.end - sound.begin - segment.duration;
    if (std::abs(over) > playlist::kHoleTicks) return segment.duration;
    return over < 0 ? ends.back() - last : 0;
  }
  // It was cut off, by the end of its run or a hole in it. What still waited for its sound was told with
  // that, unless sound was not waited for any more.
  if (begin + ends.back() - sound.end >= kWaits) return segment.duration;
  int64_t told = 0;
  for (const int64_t one : ends)
    if (begin + one <= sound.end + kFrameTicks) told = one;
  return told;
}

}  // namespace headgate::store

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dash_open.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <vector>

namespace headgate::playlist {
namespace {

// So many of the last segments are looked at; from so few on they tell something.
constexpr size_t kRecent = 5, kLeastRecent = 2;
// Alike: no further from the median than a 32nd of it. Senders' clocks tick in milliseconds.
constexpr int64_t kAlike = 32;

// What a frame of sound may last, as a part of a second.
constexpr int64_t kShortestFrame = 200, kLongestFrame = 8;
// How far behind the video's end sound of frames of unknown length ends at the latest, likewise.
constexpr int64_t kReach = 20;

}  // namespace

std::optional<int64_t> usual_duration(std::span<const Segment* const> segments) {
  segments = segments.last(std::min(segments.size(), kRecent));
  if (segments.size() < kLeastRecent) return std::nullopt;
  std::vector<int64_t> durations;
  for (const Segment* segment : segments) durations.push_back(segment->record.duration);
  std::sort(durations.begin(), durations.end());
  const int64_t median = durations[durations.size() / 2];
  const auto alike = std::count_if(durations.begin(), durations.end(), [median](int64_t duration) {
    return std::abs(duration - median) * kAlike <= median;
  });
  if (median <= 0 || static_cast<size_t>(alike) * 2 <= durations.size()) return std::nullopt;
  return median;
}

Span following_audio(std::span<const Span> before, int64_t video_end, uint32_t timescale) {
  int64_t frame = 0;
  for (const Span& span : before) frame = std::gcd(frame, span.duration);
  Span next{before.back().end(), 0};
  const int64_t wanted = std::max<int64_t>(video_end - next.start, 1), reach = timescale / kReach;
  const int64_t same = before.back().duration;
  if (frame * kShortestFrame >= timescale && frame * kLongestFrame <= timescale)
    next.duration = (wanted + frame - 1) / frame * frame;
  else if (same >= wanted && same - wanted <= reach)
    next.duration = same;
  else
    next.duration = wanted + reach;
  return next;
}

}  // namespace headgate::playlist

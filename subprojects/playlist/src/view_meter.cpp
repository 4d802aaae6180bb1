// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/view_meter.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "rates.h"
#include "view_duration.h"

namespace headgate::playlist {
namespace {

uint64_t bytes_of(const SegmentFacts& facts, View view) {
  switch (view) {
    case View::video:
      return facts.video_bytes;
    case View::audio:
      return facts.audio_bytes;
    case View::key_frames:
      return facts.key_length;
    case View::whole:
      break;
  }
  return uint64_t{facts.video_bytes} + facts.audio_bytes;
}

}  // namespace

void ViewMeter::forget() {
  settled_.clear();
  peaks_.clear();
  bytes_ = 0;
  duration_ = 0;
}

void ViewMeter::leave(uint64_t first_msn) {
  for (; !settled_.empty() && settled_.front().msn < first_msn; settled_.pop_front()) {
    bytes_ -= settled_.front().bytes;
    duration_ -= settled_.front().duration;
  }
  while (!peaks_.empty() && peaks_.front().first < first_msn) peaks_.pop_front();
}

void ViewMeter::settle(const Settled& one, double peak) {
  settled_.push_back(one);
  bytes_ += one.bytes;
  duration_ += one.duration;
  while (!peaks_.empty() && peaks_.back().second <= peak) peaks_.pop_back();
  peaks_.emplace_back(one.msn, peak);
}

// What was settled still stands at the index's beginning.
bool ViewMeter::fits(const StreamIndex& index) const {
  const auto& segments = index.segments();
  const size_t count = settled_.size();
  return epoch_ == index.epoch() && target_ == index.target_seconds() && count <= segments.size() &&
         (count == 0 || settled_.back().msn == segments[count - 1].record.msn);
}

Rates ViewMeter::rates(const StreamIndex& index, const TrackFacts& facts) {
  const auto& segments = index.segments();
  if (segments.empty()) return {};
  leave(segments.front().record.msn);
  if (!fits(index)) forget();
  epoch_ = index.epoch();
  target_ = index.target_seconds();

  const size_t first = settled_.size(), count = segments.size() - first;
  std::vector<std::optional<Counted>> rest;
  size_t known = count;  // what is behind may be another thing later
  for (size_t i = 0; i < count; ++i) {
    const SegmentRecord& record = segments[first + i].record;
    const SegmentFacts* of_segment = facts.find(record);
    if (of_segment == nullptr) known = std::min(known, i);
    const uint64_t bytes = of_segment != nullptr ? bytes_of(*of_segment, view_) : 0;
    auto& counted = rest.emplace_back();
    if (bytes > 0) counted = Counted{bytes, view_duration(record, of_segment, view_, target_)};
  }
  looked_at_ += count;

  Counted sum;
  double peak = 0;
  for (size_t i = 0; i < count; ++i) {
    const PeakFrom here = peak_from(i, count, target_, [&](size_t at) { return rest[at]; });
    const Counted counted = rest[i].value_or(Counted{});
    const bool settles = first + i == settled_.size() && here.certain && here.looked_at < known;
    if (settles) settle({segments[first + i].record.msn, counted.bytes, counted.duration}, here.rate);
    if (settles) continue;
    peak = std::max(peak, here.rate);
    sum.bytes += counted.bytes;
    sum.duration += counted.duration;
  }
  if (!peaks_.empty()) peak = std::max(peak, peaks_.front().second);
  const double average = bit_rate(static_cast<double>(bytes_ + sum.bytes), duration_ + sum.duration);
  return {clamp_rate(std::max(peak, average)), clamp_rate(average)};
}

}  // namespace headgate::playlist

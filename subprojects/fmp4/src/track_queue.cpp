// SPDX-License-Identifier: LGPL-2.1-or-later
#include "track_queue.h"

#include <limits>
#include <string>

#include <codec/access_unit.h>

namespace headgate::fmp4 {
namespace {

constexpr int64_t kMaxDts = int64_t{1} << 53;  // three thousand years at 90 kHz

}  // namespace

Result<void> TrackQueue::check(const AccessUnit& unit) const {
  const std::string who = unit.kind == codec::Kind::video ? "video: " : "audio: ";
  if (unit.data.empty()) return Unexpected(who + "an access unit without data");
  if (unit.data.size() > kMaxUnitBytes)
    return Unexpected(who + "an access unit of " + std::to_string(unit.data.size()) + " bytes, more than " +
                      std::to_string(kMaxUnitBytes));
  if (unit.dts < 0 || unit.dts > kMaxDts)
    return Unexpected(who + "decode time " + std::to_string(unit.dts) + " cannot be written");
  if (last_dts_ && unit.dts <= *last_dts_)
    return Unexpected(who + "decode time " + std::to_string(unit.dts) + " after " +
                      std::to_string(*last_dts_));
  if (unit.pts < unit.dts - std::numeric_limits<int32_t>::max() ||
      unit.pts > unit.dts + std::numeric_limits<int32_t>::max())
    return Unexpected(who + "presentation time " + std::to_string(unit.pts) + " too far from decode time " +
                      std::to_string(unit.dts));
  return {};
}

Result<void> TrackQueue::push(AccessUnit unit) {
  if (track_.codec == codec::Codec::av1) unit.data = codec::without_temporal_delimiter(unit.data);
  if (Result<void> good = check(unit); !good) return good;
  if (last_dts_ && unit.dts - *last_dts_ <= max_duration())
    last_duration_ = static_cast<uint32_t>(unit.dts - *last_dts_);
  const int64_t dts = to_part_ticks(unit.dts, track_.timescale);
  if (unit.kind == codec::Kind::video && (unit.key || !last_dts_))
    composition_ = to_part_ticks(unit.pts, track_.timescale) - dts;
  const int64_t time = dts + composition_;
  last_time_ = std::max(time, last_time_.value_or(time));
  last_dts_ = unit.dts;
  bytes_ += unit.data.size();
  times_.push_back(*last_time_);
  units_.push_back(std::move(unit));
  return {};
}

size_t TrackQueue::count_until_gap(size_t count) const {
  for (size_t i = 1; i < count; ++i)
    if (gap_before(i)) return i;
  return count;
}

uint32_t TrackQueue::duration_of_last(size_t count) const {
  if (count < units_.size() && !gap_before(count))
    return static_cast<uint32_t>(units_[count].dts - units_[count - 1].dts);
  const AccessUnit& unit = units_[count - 1];
  if (unit.duration != 0 && unit.duration <= max_duration()) return unit.duration;
  if (const uint32_t samples = codec::frame_samples(track_, unit.data); samples != 0) return samples;
  if (last_duration_ != 0) return last_duration_;
  // The one frame of its track so far.
  constexpr uint32_t kDefaultFrameRateMilli = 25'000;
  const uint32_t rate = track_.frame_rate_milli != 0 ? track_.frame_rate_milli : kDefaultFrameRateMilli;
  return static_cast<uint32_t>(std::max<uint64_t>(1, uint64_t{track_.timescale} * 1000 / rate));
}

bool TrackQueue::settle() {
  constexpr size_t kLeastUnits = 3;
  constexpr int64_t kAlike = 8;  // senders' clocks tick in milliseconds: 33 and 34
  if (units_.size() < kLeastUnits) return false;
  int64_t shortest = max_duration(), longest = 0;
  for (size_t i = 1; i < units_.size(); ++i) {
    const int64_t lasts = units_[i].dts - units_[i - 1].dts;
    shortest = std::min(shortest, lasts);
    longest = std::max(longest, lasts);
  }
  if ((longest - shortest) * kAlike > longest) return false;
  units_.back().duration = static_cast<uint32_t>(shortest);
  return true;
}

void TrackQueue::take(size_t count, std::vector<AccessUnit>& out) {
  const auto end = units_.begin() + static_cast<std::ptrdiff_t>(count);
  for (auto it = units_.begin(); it != end; ++it) {
    bytes_ -= it->data.size();
    out.push_back(std::move(*it));
  }
  units_.erase(units_.begin(), end);
  times_.erase(times_.begin(), times_.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace headgate::fmp4

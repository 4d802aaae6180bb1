// SPDX-License-Identifier: LGPL-2.1-or-later
#include <timeline/session_timeline.h>

#include <algorithm>

namespace headgate::timeline {
namespace {

// The value nearest to `last` whose low 32 bits are `wrapped`.
int64_t unwrap(int64_t last, uint32_t wrapped) {
  return last + static_cast<int32_t>(wrapped - static_cast<uint32_t>(last));
}

}  // namespace

SessionTimeline::SessionTimeline(uint32_t base, int64_t arrival_us)
    : base_ms_(base), base_arrival_us_(arrival_us) {}

Stamp SessionTimeline::stamp(size_t index, uint32_t wrapped, int64_t arrival_us) {
  if (index >= tracks_.size()) tracks_.resize(index + 1);
  Track& track = tracks_[index];
  if (!track.started) {
    track.started = true;
    track.sender_ms = base_ms_;
    track.arrival_us = base_arrival_us_;
    track.offset_ms = -base_ms_;
  }
  Stamp stamp;
  const int64_t sender_ms = unwrap(track.sender_ms, wrapped);
  const int64_t step = sender_ms - track.sender_ms;
  const int64_t arrival_step = (arrival_us - track.arrival_us) / 1000;
  if (step < 0) stamp.repair = Repair::backward;
  if (step > kMaxForwardMs && step - arrival_step > kMaxForwardMs) stamp.repair = Repair::forward;
  if (stamp.repair != Repair::none) {
    stamp.before_ms = track.sender_ms;
    stamp.after_ms = sender_ms;
    const int64_t arrival_ms = (arrival_us - base_arrival_us_) / 1000;
    const int64_t earliest = track.dts_ms + 1;
    track.offset_ms =
        offset_of_others(index, sender_ms, arrival_ms).value_or(std::max(arrival_ms, earliest) - sender_ms);
    track.anchored = true;
  }
  stamp.dts_ms = sender_ms + track.offset_ms;
  if (stamp.dts_ms <= track.dts_ms) {
    stamp.dts_ms = track.dts_ms + 1;
    if (stamp.repair == Repair::none) stamp.repair = Repair::nudged;
  }
  track.sender_ms = sender_ms;
  track.arrival_us = arrival_us;
  track.dts_ms = stamp.dts_ms;
  return stamp;
}

// Another track's offset, if that puts this frame near the present.
std::optional<int64_t> SessionTimeline::offset_of_others(size_t index, int64_t sender_ms,
                                                         int64_t arrival_ms) const {
  const Track& track = tracks_[index];
  for (size_t i = 0; i < tracks_.size(); ++i) {
    const Track& other = tracks_[i];
    if (i == index || !other.started || !other.anchored || other.offset_ms == track.offset_ms) continue;
    const int64_t dts = sender_ms + other.offset_ms;
    const int64_t latest = std::max(arrival_ms, other.dts_ms) + kMaxForwardMs;
    if (dts > track.dts_ms && dts <= latest) return other.offset_ms;
  }
  return std::nullopt;
}

}  // namespace headgate::timeline

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <timeline/session_timeline.h>

#include <algorithm>

namespace headgate::timeline {
namespace {

constexpr int64_t kUs = 1000;  // ns

}  // namespace

SessionTimeline::SessionTimeline(int64_t base_ns, int64_t arrival_us)
    : base_ns_(base_ns), base_arrival_us_(arrival_us) {}

Stamp SessionTimeline::stamp(size_t index, int64_t sender_ns, int64_t arrival_us) {
  if (index >= tracks_.size()) tracks_.resize(index + 1);
  Track& track = tracks_[index];
  if (!track.started) {
    track.started = true;
    track.sender_ns = base_ns_;
    track.arrival_us = base_arrival_us_;
    track.offset_ns = -base_ns_;
  }
  Stamp stamp;
  const int64_t step = sender_ns - track.sender_ns;
  const int64_t arrival_step = (arrival_us - track.arrival_us) * kUs;
  if (step < 0) stamp.repair = Repair::backward;
  if (step > kMaxForwardNs && step - arrival_step > kMaxForwardNs) stamp.repair = Repair::forward;
  if (stamp.repair != Repair::none) {
    stamp.before_ns = track.sender_ns;
    stamp.after_ns = sender_ns;
    const int64_t arrival_ns = (arrival_us - base_arrival_us_) * kUs;
    const int64_t earliest = track.dts_ns + kNudgeNs;
    track.offset_ns =
        offset_of_others(index, sender_ns, arrival_ns).value_or(std::max(arrival_ns, earliest) - sender_ns);
    track.anchored = true;
  }
  stamp.dts_ns = sender_ns + track.offset_ns;
  if (stamp.dts_ns <= track.dts_ns) {
    stamp.dts_ns = track.dts_ns + kNudgeNs;
    if (stamp.repair == Repair::none) {
      stamp.repair = Repair::nudged;
      stamp.before_ns = track.sender_ns;
      stamp.after_ns = sender_ns;
    }
  }
  track.sender_ns = sender_ns;
  track.arrival_us = arrival_us;
  track.dts_ns = stamp.dts_ns;
  return stamp;
}

// Another track's offset, if that puts this frame near the present.
std::optional<int64_t> SessionTimeline::offset_of_others(size_t index, int64_t sender_ns,
                                                         int64_t arrival_ns) const {
  const Track& track = tracks_[index];
  for (size_t i = 0; i < tracks_.size(); ++i) {
    const Track& other = tracks_[i];
    if (i == index || !other.started || !other.anchored || other.offset_ns == track.offset_ns) continue;
    const int64_t dts = sender_ns + other.offset_ns;
    const int64_t latest = std::max(arrival_ns, other.dts_ns) + kMaxForwardNs;
    if (dts > track.dts_ns && dts <= latest) return other.offset_ns;
  }
  return std::nullopt;
}

}  // namespace headgate::timeline

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <timeline/session_timeline.h>

#include <algorithm>
#include <cstdlib>

namespace headgate::timeline {
namespace {

constexpr int64_t kUs = 1000;  // ns
constexpr int64_t kMaxUsualStepNs = 100'000'000;

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
  const int64_t passed = std::max<int64_t>(arrival_us - track.arrival_us, 0) * kUs;
  const int64_t last = std::max<int64_t>(track.dts_ns, 0);
  const auto beside = passed_beside(index, arrival_us);
  const int64_t expected = last + (beside       ? std::max(*beside, track.step_ns)
                                   : passed > 0 ? passed
                                                : track.step_ns);
  const bool back = step < -kMaxBackNs;
  const bool ahead = step > kMaxForwardNs && step - passed > kMaxForwardNs && !joins_others(index, sender_ns);
  // Where a jump has been before, a smaller one may lead back.
  const bool returns = track.anchored && std::abs(step - passed) > kMaxBackNs;
  if (back || ahead || returns) {
    const auto others = offset_of_others(index, sender_ns, expected);
    if (others || back || ahead) {
      stamp.repair = step < 0 ? Repair::backward : Repair::forward;
      track.offset_ns = others.value_or(expected - sender_ns);
      track.anchored = true;
      track.drift_ns = 0;
    }
  }
  follow_drift(index, sender_ns, arrival_us, stamp);
  stamp.dts_ns = sender_ns + track.offset_ns + track.drift_ns;
  if (stamp.dts_ns <= track.dts_ns) {
    stamp.dts_ns = track.dts_ns + kNudgeNs;
    if (stamp.repair == Repair::none) stamp.repair = Repair::nudged;
  } else if (stamp.repair == Repair::none && stamp.dts_ns - last <= kMaxUsualStepNs) {
    track.step_ns = stamp.dts_ns - last;
  }
  if (stamp.repair == Repair::drift) {
    stamp.before_ns = sender_ns;
    stamp.after_ns = sender_ns + track.drift_ns;
  } else if (stamp.repair != Repair::none) {
    stamp.before_ns = track.sender_ns;
    stamp.after_ns = sender_ns;
  }
  track.sender_ns = sender_ns;
  track.arrival_us = arrival_us;
  track.dts_ns = stamp.dts_ns;
  if (const Track* other = beside_of(index)) track.beside_ns = other->dts_ns;
  return stamp;
}

// The other of the first two tracks.
const SessionTimeline::Track* SessionTimeline::beside_of(size_t index) const {
  const size_t other = 1 - std::min<size_t>(index, 1);
  return index <= 1 && other < tracks_.size() && tracks_[other].started ? &tracks_[other] : nullptr;
}

// Since the track's last frame, on the one beside it, if that has come meanwhile.
std::optional<int64_t> SessionTimeline::passed_beside(size_t index, int64_t arrival_us) const {
  const Track* other = beside_of(index);
  const auto& before = tracks_[index].beside_ns;
  if (!other || !before || other->dts_ns <= *before) return std::nullopt;
  return other->dts_ns - *before + std::max<int64_t>(arrival_us - other->arrival_us, 0) * kUs;
}

// Of what was not repaired: who sets a clock anew sets both by it.
void SessionTimeline::follow_drift(size_t index, int64_t sender_ns, int64_t arrival_us, Stamp& stamp) {
  Track& track = tracks_[index];
  if (stamp.repair != Repair::none) return drift_.restart();
  if (index == 0) drift_.note_reference(sender_ns + track.offset_ns, arrival_us * kUs);
  if (index != 1) return;
  drift_.note(sender_ns + track.offset_ns, arrival_us * kUs);
  const int64_t step = drift_.step(arrival_us * kUs);
  track.drift_ns += step;
  if (step != 0) stamp.repair = Repair::drift;
}

// Another track that the same clock stamps is there already.
bool SessionTimeline::joins_others(size_t index, int64_t sender_ns) const {
  const int64_t offset_ns = tracks_[index].offset_ns;
  const int64_t dts_ns = sender_ns + offset_ns + tracks_[index].drift_ns;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    const Track& other = tracks_[i];
    if (i != index && other.started && other.offset_ns == offset_ns &&
        std::abs(dts_ns - other.dts_ns) <= kTogetherNs)
      return true;
  }
  return false;
}

// Another track's offset, if that puts this frame near where it is expected.
std::optional<int64_t> SessionTimeline::offset_of_others(size_t index, int64_t sender_ns,
                                                         int64_t expected_ns) const {
  const Track& track = tracks_[index];
  for (size_t i = 0; i < tracks_.size(); ++i) {
    const Track& other = tracks_[i];
    if (i == index || !other.started || other.offset_ns == track.offset_ns) continue;
    const int64_t dts = sender_ns + other.offset_ns;
    if (dts > track.dts_ns - kMaxBackNs && dts <= std::max(expected_ns, other.dts_ns) + kMaxForwardNs)
      return other.offset_ns;
  }
  return std::nullopt;
}

}  // namespace headgate::timeline

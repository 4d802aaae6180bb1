// SPDX-License-Identifier: LGPL-2.1-or-later
#include <timeline/lateness.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace headgate::timeline {

int64_t Lateness::note(int64_t media_ns, int64_t arrival_ns) {
  const int64_t delay_ns = arrival_ns - media_ns;
  watch(delay_ns, arrival_ns);
  if (usual_ns_) *usual_ns_ += std::max<int64_t>(arrival_ns - last_arrival_ns_, 0) / kClockTolerance;
  usual_ns_ = usual_ns_ ? std::min(*usual_ns_, delay_ns) : delay_ns;
  last_arrival_ns_ = arrival_ns;
  late_ns_ = delay_ns - *usual_ns_;
  return late_ns_;
}

// Before `delay_ns` counts among the others.
void Lateness::watch(int64_t delay_ns, int64_t arrival_ns) {
  const bool silent = !usual_ns_ || arrival_ns - last_arrival_ns_ >= kSteadySpanNs;
  if (silent) {
    spans_ = 0;
  } else if (arrival_ns - span_ns_ >= kSteadySpanNs) {
    end_span();
  } else {
    span_least_ns_ = std::min(span_least_ns_, delay_ns);
    return;
  }
  span_ns_ = arrival_ns;
  span_least_ns_ = delay_ns;
}

void Lateness::end_span() {
  if (spans_ == 0 || std::abs(span_least_ns_ - level_ns_) > kSteadyNs) {
    spans_ = 1;
    level_ns_ = level_least_ns_ = span_least_ns_;
    return;
  }
  level_least_ns_ = std::min(level_least_ns_, span_least_ns_);
  if (++spans_ < kSteadySpans) return;
  spans_ = 0;
  if (level_least_ns_ <= *usual_ns_) return;
  settled_ns_ += level_least_ns_ - *usual_ns_;
  usual_ns_ = level_least_ns_;
}

bool LateSwitch::update(int64_t late_ns, int64_t threshold_ns) {
  const bool late = late_ ? late_ns >= threshold_ns / 3 : threshold_ns > 0 && late_ns >= threshold_ns;
  return std::exchange(late_, late) != late;
}

void Uplink::note(size_t track, int64_t media_ns, int64_t arrival_ns) {
  if (track >= tracks_.size()) tracks_.resize(track + 1);
  tracks_[track].lateness.note(media_ns, arrival_ns);
  tracks_[track].arrival_ns = arrival_ns;
}

int64_t Uplink::settled_ns() const {
  int64_t most = 0;
  for (const Track& track : tracks_) most = std::max(most, track.lateness.settled_ns());
  return most;
}

bool Uplink::judge(int64_t now_ns, int64_t threshold_ns) {
  late_ns_ = 0;
  for (const Track& track : tracks_)
    if (now_ns - track.arrival_ns < kVanishedNs) late_ns_ = std::max(late_ns_, track.lateness.ns());
  return switch_.update(late_ns_, threshold_ns);
}

}  // namespace headgate::timeline

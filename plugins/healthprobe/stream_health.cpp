// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream_health.h"

#include <algorithm>
#include <cmath>

namespace headgate::healthprobe {

Change StreamHealth::saw(const Seen& seen, const Thresholds& thresholds) {
  bool judged = roll_window(seen.arrival, thresholds);
  Change change = Change::none;
  if (measures_.stalled && flows_again(seen.arrival, thresholds)) change = Change::resume;
  const Change time_change = follow_time(seen, thresholds);
  if (time_change != Change::none) {
    judged |= conditions_.jumped(seen.arrival, thresholds);
    gop_broken_ = true;
  }
  if (change == Change::none) change = time_change;
  const Change late_change = follow_lateness(seen, thresholds);
  if (change == Change::none) change = late_change;
  follow_jitter(seen, time_change);
  judged |= follow_gop(seen, thresholds);
  if (resting_) begun_ = seen.arrival;
  resting_ = false;
  last_arrival_ = seen.arrival;
  if (!window_start_) window_start_ = seen.arrival;
  ++measures_.buffers;
  measures_.bytes += seen.bytes;
  // What came at the moment from which the window is measured belongs to the time before it.
  if (seen.arrival > *window_start_) {
    ++window_buffers_;
    window_bytes_ += seen.bytes;
  }
  return change == Change::none && judged ? Change::condition : change;
}

Change StreamHealth::follow_time(const Seen& seen, const Thresholds& thresholds) {
  if (!seen.time) return Change::none;
  Change change = Change::none;
  if (last_time_ && !resting_) {
    const int64_t step = *seen.time - *last_time_;
    if (step < 0) {
      ++measures_.backward;
      change = Change::backward;
    } else if (*seen.time - end_.value_or(*last_time_ + last_step_) > thresholds.jump) {
      ++measures_.jumps;
      change = Change::jump;
    } else {
      last_step_ = step;
    }
  }
  last_time_ = seen.time;
  end_ = *seen.time + seen.duration.value_or(last_step_);
  return change;
}

Change StreamHealth::follow_lateness(const Seen& seen, const Thresholds& thresholds) {
  if (!seen.time) return Change::none;
  if (resting_) lateness_.reset();
  const int64_t late_ns = lateness_.note(*seen.time, seen.arrival);
  measures_.settled = lateness_.settled_ns();
  if (measures_.stalled) return Change::none;  // that says it all
  measures_.lateness = late_ns;
  if (!late_.update(measures_.lateness, thresholds.late)) return Change::none;
  measures_.late = late_.late();
  measures_.late_since = seen.arrival;
  measures_.lates += measures_.late;
  return measures_.late ? Change::late : Change::good;
}

// Not of what came in a burst after a stall, and not across a hole in the timestamps.
void StreamHealth::follow_jitter(const Seen& seen, Change time_change) {
  if (resting_) jitter_.reset();
  if (!seen.time || time_change != Change::none || measures_.stalled) jitter_.interrupt();
  if (seen.time) jitter_.note(*seen.time, seen.arrival);
  measures_.jitter = jitter_.ns();
}

bool StreamHealth::follow_gop(const Seen& seen, const Thresholds& thresholds) {
  bool judged = false;
  if (seen.key) {
    ++measures_.key_frames;
    if (gop_frames_ > 0 && !resting_) {
      measures_.gop_frames = gop_frames_;
      if (gop_start_ && seen.time) measures_.gop_duration = *seen.time - *gop_start_;
      if (video_ && !gop_broken_ && gop_start_ && seen.time && last_key_arrival_)
        judged = conditions_.gop(measures_.gop_duration, seen.arrival - *last_key_arrival_, seen.arrival,
                                 thresholds);
    }
    last_key_arrival_ = seen.arrival;
    gop_start_ = seen.time;
    gop_frames_ = 0;
    gop_broken_ = false;
  }
  ++gop_frames_;
  return judged;
}

Change StreamHealth::at(int64_t now, const Thresholds& thresholds) {
  const bool judged = roll_window(now, thresholds);
  if (measures_.stalled) {
    count_silence(now, thresholds);
    return Change::none;
  }
  if (resting_ || !last_arrival_ || now - *last_arrival_ < thresholds.stall)
    return judged ? Change::condition : Change::none;
  measures_.stalled = true;
  measures_.stalled_since = *last_arrival_;
  ++measures_.stalls;
  measures_.stalled_time += now - *last_arrival_;
  stall_since_ = now;
  flowing_since_.reset();
  gop_broken_ = true;
  // How late is what does not come is not known.
  measures_.late = false;
  measures_.lateness = 0;
  late_ = {};
  conditions_.interrupt();
  return Change::stall;
}

// While it is stalled: a pause that is no stall of its own is part of what flows again.
void StreamHealth::count_silence(int64_t now, const Thresholds& thresholds) {
  if (flowing_since_ && now - *last_arrival_ < thresholds.stall) return;
  measures_.stalled_time += now - std::max(stall_since_, *last_arrival_);
  stall_since_ = now;
  flowing_since_.reset();
}

bool StreamHealth::flows_again(int64_t arrival, const Thresholds& thresholds) {
  count_silence(arrival, thresholds);
  if (!flowing_since_) flowing_since_ = arrival;
  if (arrival - *flowing_since_ < thresholds.stall / 4) return false;
  measures_.stalled = false;
  begun_ = *flowing_since_;
  flowing_since_.reset();
  return true;
}

// A window is closed by whoever comes first after its end. Buffers come in bursts, as often as the source
// reads: it is measured from an arrival to an arrival, so that it holds whole bursts, unless silence
// followed.
bool StreamHealth::roll_window(int64_t now, const Thresholds& thresholds) {
  if (!window_start_ || now - *window_start_ < kWindowNs) return false;
  const bool silent = now - *last_arrival_ >= kWindowNs / 2;
  const int64_t end = silent ? now : *last_arrival_;
  const double seconds = static_cast<double>(end - *window_start_) / 1e9;
  measures_.bit_rate = static_cast<uint64_t>(static_cast<double>(window_bytes_) * 8 / seconds);
  measures_.rate = static_cast<double>(window_buffers_) / seconds;
  window_start_ = end;
  window_bytes_ = window_buffers_ = 0;
  if (resting_ || measures_.stalled) return false;  // "stalled" says it all
  const int64_t key_age = now - std::max(begun_, last_key_arrival_.value_or(begun_));
  return conditions_.second({measures_.bit_rate, measures_.rate, measures_.jitter, key_age}, video_, now,
                            thresholds);
}

void StreamHealth::rest() {
  resting_ = true;
  measures_.stalled = measures_.late = false;
  measures_.lateness = measures_.settled = measures_.jitter = 0;
  late_ = {};
  conditions_.rest();
  last_time_.reset();
  end_.reset();
  last_step_ = 0;
}

std::optional<int64_t> StreamHealth::age(int64_t now) const {
  if (!last_arrival_) return std::nullopt;
  return now - *last_arrival_;
}

std::optional<int64_t> StreamHealth::key_age(int64_t now) const {
  if (!last_key_arrival_) return std::nullopt;
  return now - *last_key_arrival_;
}

std::optional<int64_t> StreamHealth::stall_deadline(const Thresholds& thresholds) const {
  if (resting_ || measures_.stalled || !last_arrival_) return std::nullopt;
  return *last_arrival_ + thresholds.stall;
}

void Drift::sample(int64_t video_end, int64_t audio_end) {
  const int64_t offset = video_end - audio_end;
  smoothed_ = smoothed_ ? *smoothed_ + (offset - *smoothed_) / 4 : offset;
  if (++samples_ == kSettleSamples) baseline_ = smoothed_;
}

std::optional<int64_t> Drift::drift() const {
  if (!baseline_) return std::nullopt;
  return *smoothed_ - *baseline_;
}

bool Drift::judge(int64_t now, const Thresholds& thresholds) {
  const auto judge = [&](health::Condition& condition, std::optional<int64_t> ns, int64_t most) {
    return ns &&
           condition.sample_most(std::abs(static_cast<double>(*ns)), static_cast<double>(most), now, kHoldNs);
  };
  bool changed = judge(drifting_, drift(), thresholds.drift);
  if (samples_ >= kSettleSamples) changed |= judge(out_of_sync_, smoothed_, thresholds.offset);
  return changed;
}

}  // namespace headgate::healthprobe

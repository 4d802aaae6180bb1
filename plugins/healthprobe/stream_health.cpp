// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream_health.h"

#include <algorithm>

namespace headgate::healthprobe {

Change StreamHealth::saw(const Seen& seen, const Thresholds& thresholds) {
  roll_window(seen.arrival);
  Change change = Change::none;
  if (measures_.stalled) {
    measures_.stalled = false;
    measures_.stalled_time += seen.arrival - stall_since_;
    change = Change::resume;
  }
  const Change time_change = follow_time(seen, thresholds);
  if (change == Change::none) change = time_change;
  const Change late_change = follow_lateness(seen, thresholds);
  if (change == Change::none) change = late_change;
  follow_gop(seen);
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
  return change;
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
  measures_.lateness = lateness_.note(*seen.time, seen.arrival);
  if (!late_.update(measures_.lateness, thresholds.late)) return Change::none;
  measures_.late = late_.late();
  measures_.late_since = seen.arrival;
  measures_.lates += measures_.late;
  return measures_.late ? Change::late : Change::good;
}

void StreamHealth::follow_gop(const Seen& seen) {
  if (seen.key) {
    ++measures_.key_frames;
    last_key_arrival_ = seen.arrival;
    if (gop_frames_ > 0 && !resting_) {
      measures_.gop_frames = gop_frames_;
      if (gop_start_ && seen.time) measures_.gop_duration = *seen.time - *gop_start_;
    }
    gop_start_ = seen.time;
    gop_frames_ = 0;
  }
  ++gop_frames_;
}

Change StreamHealth::at(int64_t now, const Thresholds& thresholds) {
  roll_window(now);
  if (measures_.stalled) {
    measures_.stalled_time += now - stall_since_;
    stall_since_ = now;
    return Change::none;
  }
  if (resting_ || !last_arrival_ || now - *last_arrival_ < thresholds.stall) return Change::none;
  measures_.stalled = true;
  ++measures_.stalls;
  measures_.stalled_time += now - *last_arrival_;
  stall_since_ = now;
  return Change::stall;
}

// A window is closed by whoever comes first after its end. Buffers come in bursts, as often as the source
// reads: it is measured from an arrival to an arrival, so that it holds whole bursts, unless silence
// followed.
void StreamHealth::roll_window(int64_t now) {
  if (!window_start_ || now - *window_start_ < kWindowNs) return;
  const bool silent = now - *last_arrival_ >= kWindowNs / 2;
  const int64_t end = silent ? now : *last_arrival_;
  const double seconds = static_cast<double>(end - *window_start_) / 1e9;
  measures_.bit_rate = static_cast<uint64_t>(static_cast<double>(window_bytes_) * 8 / seconds);
  measures_.rate = static_cast<double>(window_buffers_) / seconds;
  window_start_ = end;
  window_bytes_ = window_buffers_ = 0;
}

void StreamHealth::rest() {
  resting_ = true;
  measures_.stalled = measures_.late = false;
  measures_.lateness = 0;
  late_ = {};
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

}  // namespace headgate::healthprobe

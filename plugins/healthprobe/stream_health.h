// SPDX-License-Identifier: LGPL-2.1-or-later
// The measures of docs/health.md for one stream and for a pair of streams, from what a probe sees of buffers.
// No GStreamer, no clock: times come with the calls. All times in ns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <health/condition.h>
#include <timeline/lateness.h>

#include "stream_conditions.h"
#include "thresholds.h"

namespace headgate::healthprobe {

inline constexpr int64_t kWindowNs = 1'000'000'000;  // of rates

// A buffer as the probe sees it.
struct Seen {
  int64_t arrival = 0;          // element's clock
  std::optional<int64_t> time;  // running time: DTS, or PTS of a stream without reordering
  std::optional<int64_t> duration;
  uint64_t bytes = 0;
  bool key = true;
};

struct StreamMeasures {
  uint64_t buffers = 0, bytes = 0, key_frames = 0;
  uint64_t bit_rate = 0;  // bit/s, last whole window
  double rate = 0;        // buffers/s, last whole window: frames a second of an encoded stream
  uint64_t gop_frames = 0;
  int64_t gop_duration = 0;  // of the last whole GOP, media time
  uint64_t jumps = 0, backward = 0, stalls = 0;
  int64_t stalled_time = 0;  // all stalls, the present one included
  int64_t lateness = 0;      // behind real time, as of the last buffer
  int64_t settled = 0;       // of the usual delay, what it was raised by because it was steady
  int64_t jitter = 0;
  uint64_t lates = 0;  // how often it became late
  bool stalled = false, late = false;
  int64_t stalled_since = 0;  // arrival of the last buffer before, while it is stalled
  int64_t late_since = 0;     // arrival of the buffer that was too late, while it is late
};

// `condition`: one of StreamConditions began or ended.
enum class Change : uint8_t { none, stall, resume, jump, backward, late, good, condition };

// Not thread-safe.
class StreamHealth {
 public:
  // Rates, GOPs and key frames are judged only of video. False until this is called.
  void set_video(bool video) { video_ = video; }
  // What the buffer changed, if anything: resume goes before jump, jump before lateness, that before others.
  Change saw(const Seen& seen, const Thresholds& thresholds);
  // Time passed: closes windows, notices a stall. A stall is over when buffers have come for a quarter of its
  // threshold, without a pause as long as that.
  Change at(int64_t now, const Thresholds& thresholds);
  // Nothing is expected any more (EOS, end of a session) until the next buffer, which starts anew: no jump.
  void rest();

  const StreamMeasures& measures() const { return measures_; }
  const StreamConditions& conditions() const { return conditions_; }
  std::optional<int64_t> age(int64_t now) const;       // since the last buffer
  std::optional<int64_t> key_age(int64_t now) const;   // since the last key frame
  std::optional<int64_t> end() const { return end_; }  // running time behind the last buffer
  // When at() has to be called to notice a stall in time; nothing while resting or stalled.
  std::optional<int64_t> stall_deadline(const Thresholds& thresholds) const;

 private:
  bool roll_window(int64_t now, const Thresholds& thresholds);
  bool flows_again(int64_t arrival, const Thresholds& thresholds);
  void count_silence(int64_t now, const Thresholds& thresholds);
  Change follow_time(const Seen& seen, const Thresholds& thresholds);
  void follow_jitter(const Seen& seen, Change time_change);
  bool follow_gop(const Seen& seen, const Thresholds& thresholds);
  Change follow_lateness(const Seen& seen, const Thresholds& thresholds);

  StreamMeasures measures_;
  timeline::Lateness lateness_;
  timeline::LateSwitch late_;
  Jitter jitter_;
  StreamConditions conditions_;
  bool video_ = false;
  bool resting_ = true;
  std::optional<int64_t> last_arrival_, last_key_arrival_, last_time_, end_;
  int64_t last_step_ = 0;                 // between the last two buffers: stands in for a duration
  int64_t stall_since_ = 0;               // accounted for in stalled_time up to here
  std::optional<int64_t> flowing_since_;  // again, while it is stalled
  int64_t begun_ = 0;                     // arrival of the first buffer since it rested or was stalled
  std::optional<int64_t> window_start_;
  uint64_t window_bytes_ = 0, window_buffers_ = 0;
  std::optional<int64_t> gop_start_;
  bool gop_broken_ = false;  // a stall or a hole in its timestamps lies in it
  uint64_t gop_frames_ = 0;
};

// How audio lies against video: the difference of the running times that have been reached, smoothed, and how
// far that has moved since it was first known.
class Drift {
 public:
  void sample(int64_t video_end, int64_t audio_end);  // once a window
  void reset() { *this = Drift(); }
  std::optional<int64_t> offset() const { return smoothed_; }  // video ahead of audio: positive
  std::optional<int64_t> drift() const;
  // After each sample. True: a condition began or ended.
  bool judge(int64_t now, const Thresholds& thresholds);
  const health::Condition& drifting() const { return drifting_; }
  const health::Condition& out_of_sync() const { return out_of_sync_; }

 private:
  static constexpr int kSettleSamples = 5;
  std::optional<int64_t> smoothed_, baseline_;
  int samples_ = 0;
  health::Condition drifting_, out_of_sync_;
};

}  // namespace headgate::healthprobe

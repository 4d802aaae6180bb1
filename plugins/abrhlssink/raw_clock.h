// SPDX-License-Identifier: LGPL-2.1-or-later
// Where segments of raw input begin, and the records that a writer of the source would give: there is none,
// and the ladder's renditions follow these instead. Where the source is live, key frames are where UTC is a
// multiple of segment_ms, and segments begin there: encoders of one source that know nothing of each other
// cut alike.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <fmp4/packager.h>
#include <playlist/record.h>
#include <store/stream_time.h>

namespace headgate::abrhlssink {

// UTC of a run's media is that of the frame of the last segment that came soonest; where it differs by more
// than this the clock was stepped, or the first frames came late, and by less it is followed slowly.
inline constexpr int64_t kUtcStepNs = 250'000'000;
// No two key frames are nearer.
inline constexpr int64_t kLeastKeyNs = 240'000'000;

// Not thread-safe. Times in ns, running time of the one track that is the clock.
class RawClock {
 public:
  explicit RawClock(const fmp4::PackagerSettings& settings) : settings_(settings) {}

  struct Step {
    bool usable = false;                    // its time grows; otherwise it is to be left out
    bool key = false;                       // it is to be a key frame,
    bool boundary = false;                  // and a segment begins with it
    std::vector<playlist::Record> records;  // to be told in this order,
    std::optional<store::StreamTime> time;  // and this behind the first of them
  };
  // The next frame, which lasts `duration_ns` (0: not known); `utc_us`: now. One that is not `live` has no
  // UTC: a key frame is segment_ms behind the one before.
  Step next(int64_t time_ns, int64_t duration_ns, int64_t utc_us, bool live);
  // Nothing follows.
  std::vector<playlist::Record> end();

 private:
  bool is_key(int64_t time_ns, int64_t utc_us, bool live);
  void plan_key(int64_t time_ns, bool live);
  // True: one of the parts ended its segment. `last`: no more of it follows.
  bool take_parts(std::vector<playlist::Record>& records, bool last);
  void end_segment(std::vector<playlist::Record>& records);

  const fmp4::PackagerSettings settings_;
  std::optional<fmp4::Packager> packager_;
  int64_t zero_ns_ = 0;  // running time of the run's first frame
  int64_t last_ns_ = 0;
  int64_t next_key_ns_ = 0;  // likewise of the next key frame, at least
  int64_t utc_ns_ = 0;       // UTC less running time
  int64_t soonest_ns_ = 0;   // the least of them since the last key frame
  bool running_ = false;
  uint64_t msn_ = 0;    // of the segment that is open
  uint32_t index_ = 0;  // of its next part
  playlist::SegmentRecord segment_;
};

}  // namespace headgate::abrhlssink

// SPDX-License-Identifier: LGPL-2.1-or-later
// Where segments of raw input begin, and the records that a writer of the source would give: there is none,
// and the ladder's renditions follow these instead.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <fmp4/packager.h>
#include <playlist/record.h>
#include <store/stream_time.h>

namespace headgate::abrhlssink {

// Not thread-safe. Times in ns, running time of the one track that is the clock.
class RawClock {
 public:
  explicit RawClock(const fmp4::PackagerSettings& settings) : settings_(settings) {}

  struct Step {
    bool usable = false;                    // its time grows; otherwise it is to be left out
    bool boundary = false;                  // a segment begins with it
    std::vector<playlist::Record> records;  // to be told in this order,
    std::optional<store::StreamTime> time;  // and this behind the first of them
  };
  // The next frame, which lasts `duration_ns` (0: not known); `utc_us`: now.
  Step next(int64_t time_ns, int64_t duration_ns, int64_t utc_us);
  // Nothing follows.
  std::vector<playlist::Record> end();

 private:
  void begin(int64_t time_ns);
  // True: one of the parts ended its segment. `last`: no more of it follows.
  bool take_parts(std::vector<playlist::Record>& records, bool last);
  void end_segment(std::vector<playlist::Record>& records);

  const fmp4::PackagerSettings settings_;
  std::optional<fmp4::Packager> packager_;
  int64_t zero_ns_ = 0;  // running time of the run's first frame
  int64_t last_ns_ = 0;
  int64_t segment_ns_ = 0;  // likewise of the open segment's
  bool running_ = false;
  uint64_t msn_ = 0;    // of the segment that is open
  uint32_t index_ = 0;  // of its next part
  playlist::SegmentRecord segment_;
};

}  // namespace headgate::abrhlssink

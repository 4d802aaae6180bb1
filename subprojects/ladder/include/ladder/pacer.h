// SPDX-License-Identifier: LGPL-2.1-or-later
// A constant frame rate where the source's varies: frames that are missing are repeated, surplus ones left
// out. Times that are regular to within half a frame stay exactly as they are, and so does a frame with which
// a segment begins.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace headgate::ladder {

// A hole that is longer is no matter of the frame rate: it stays one.
inline constexpr int64_t kLongestFillNs = 1'000'000'000;

// Not thread-safe. Times in ns, growing.
class Pacer {
 public:
  // `period_ns` > 0: of one frame.
  explicit Pacer(int64_t period_ns) : period_ns_(period_ns) {}

  struct Step {
    std::vector<int64_t> repeats;  // the frame before is shown again at these times
    bool use = true;               // the frame itself is shown, at its time
  };
  // The next frame. `must`: never left out.
  Step next(int64_t time_ns, bool must);
  int64_t period_ns() const { return period_ns_; }

 private:
  int64_t period_ns_;
  std::optional<int64_t> due_ns_;  // the next frame
};

// The frame rate of a stream, found from its decode times: sampled until enough are there.
class RateFinder {
 public:
  // Enough: so many frames, or so long.
  static constexpr size_t kFrames = 32;
  static constexpr int64_t kLongNs = 1'000'000'000;

  // `hint_milli`: frames per 1000 s that the stream itself states; 0: none. It is believed where the times do
  // not contradict it.
  explicit RateFinder(uint32_t hint_milli) : hint_milli_(hint_milli) {}
  void note(int64_t dts_ns);
  bool enough() const;
  struct Rate {
    uint32_t over = 25, under = 1;
    int64_t period_ns() const { return 1'000'000'000LL * under / over; }
  };
  // The best that is known now (usual_rate()).
  Rate rate() const;

 private:
  uint32_t hint_milli_;
  std::vector<int64_t> times_;
};

// A second.
double value_of(const RateFinder::Rate& rate);
// A usual rate (24, 25, 29.97, …) that is within 1.5 % of this, or this; of 1 to 240.
RateFinder::Rate usual_rate(double fps);

}  // namespace headgate::ladder

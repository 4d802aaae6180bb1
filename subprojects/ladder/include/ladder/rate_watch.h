// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether a source has got another frame rate for good: a phone takes 15 pictures a second in the dark and 30
// once there is light. Bursts, holes and a rate that swings about what it was are none. Pure: no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <ladder/pacer.h>

namespace headgate::ladder {

// Not thread-safe. Times in ns.
class RateWatch {
 public:
  // So long is counted each time; so many counts in a row have to differ to the same side.
  static constexpr int64_t kWindowNs = 2'000'000'000;
  static constexpr size_t kWindows = 4, kMostWindows = 32;
  // By so much, in percent of the present rate: rates next to each other (24 and 25) are none.
  static constexpr int64_t kOtherPercent = 10;
  // A change that lasts no longer than that and what it took to see it: the next one has to last twice as
  // long.
  static constexpr int64_t kRelapseNs = 60'000'000'000;

  // `rate`: that is followed now.
  explicit RateWatch(RateFinder::Rate rate) : rate_(rate) {}
  // The next picture. Where time goes back or there is a hole (kLongestFillNs), counting begins anew.
  void note(int64_t time_ns);
  // What the rate has been for long enough, if that is another one.
  std::optional<RateFinder::Rate> other() const;
  // From now on this one is followed.
  void follow(RateFinder::Rate rate);

 private:
  void begin(int64_t time_ns);
  void count(int64_t time_ns);

  RateFinder::Rate rate_;
  size_t windows_ = kWindows;
  std::optional<int64_t> last_ns_;      // the newest picture
  int64_t begin_ns_ = 0;                // of the window
  int64_t steps_ = 0;                   // in it
  std::vector<double> differing_;       // rates of windows in a row, all higher or all lower
  std::optional<int64_t> followed_ns_;  // the newest picture at the last change
};

}  // namespace headgate::ladder

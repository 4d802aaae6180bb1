// SPDX-License-Identifier: LGPL-2.1-or-later
// Bit rates of a stream's views, of an index that may be hours long and is asked about again and again: what
// was counted once, and does not change any more, is not counted again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include <playlist/hls.h>

namespace headgate::playlist {

struct Rates {
  uint32_t peak = 0, average = 0;  // bit/s, as StreamIndex::bandwidth() and average_bandwidth() mean them
};

// Of one view. Each time the same index, with the same facts or more of them; forget() comes before another
// one.
class ViewMeter {
 public:
  explicit ViewMeter(View view) : view_(view) {}
  // view_rates().
  Rates rates(const StreamIndex& index, const TrackFacts& facts);
  void forget();
  // Segments that all calls together have looked at.
  uint64_t looked_at() const { return looked_at_; }

 private:
  // A segment that is counted for good, and so are the sets that begin with it.
  struct Settled {
    uint64_t msn, bytes;
    int64_t duration;
  };
  bool fits(const StreamIndex& index) const;
  void leave(uint64_t first_msn);
  void settle(const Settled& one, double peak);

  View view_;
  std::deque<Settled> settled_;  // from the index's first segment on
  // Of those: numbers and peaks that no later one exceeds, the highest first.
  std::deque<std::pair<uint64_t, double>> peaks_;
  uint64_t bytes_ = 0;    // of settled_
  int64_t duration_ = 0;  // likewise
  uint64_t epoch_ = 0;    // of the index
  uint32_t target_ = 0;   // its target duration
  uint64_t looked_at_ = 0;
};

// Of all views.
class ViewMeters {
 public:
  Rates rates(const StreamIndex& index, const TrackFacts& facts, View view) {
    return meters_[static_cast<size_t>(view)].rates(index, facts);
  }
  void forget() {
    for (ViewMeter& one : meters_) one.forget();
  }

 private:
  std::array<ViewMeter, 4> meters_{ViewMeter(View::whole), ViewMeter(View::video), ViewMeter(View::audio),
                                   ViewMeter(View::key_frames)};
};

}  // namespace headgate::playlist

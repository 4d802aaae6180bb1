// SPDX-License-Identifier: LGPL-2.1-or-later
// The units of a derived rendition that are not written yet, in decode order.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include <fmp4/packager.h>
#include <store/derived.h>

namespace headgate::store {

class UnitQueue {
 public:
  // `presentation` is the number of the configuration that the unit belongs to.
  void push(DerivedUnit unit, codec::Kind kind, uint64_t presentation);
  bool empty() const { return units_.empty(); }
  size_t size() const { return units_.size(); }
  size_t bytes() const { return bytes_; }
  bool key(size_t i) const { return units_[i].unit.key; }
  uint64_t presentation(size_t i) const { return units_[i].presentation; }
  // When unit i begins: its DTS moved by the last key frame's composition offset, so that a key frame stands
  // at its PTS. It always grows. This is the DTS that is written, too: so segments begin at the time that
  // the source's have.
  int64_t time_ns(size_t i) const { return units_[i].time_ns; }
  // The first `count` units on the stream's timeline. The last one lasts until the next, where that is of the
  // same presentation and comes soon; else until `end` (fmp4::kPartTimescale), but not for long. `longest`:
  // they last no longer together, as long as the last one has some time (0: they may).
  std::vector<fmp4::AccessUnit> take(size_t count, const StreamTime& time, const codec::Track& track,
                                     int64_t end, int64_t longest);
  void drop(size_t count);

 private:
  struct Queued {
    DerivedUnit unit;
    codec::Kind kind;
    uint64_t presentation;
    int64_t time_ns;
  };
  std::deque<Queued> units_;
  size_t bytes_ = 0;
  int64_t composition_ns_ = 0;      // of the last key frame
  std::optional<int64_t> last_ns_;  // time_ns of the newest unit ever pushed
};

}  // namespace headgate::store

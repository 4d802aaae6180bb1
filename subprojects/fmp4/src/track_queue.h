// SPDX-License-Identifier: LGPL-2.1-or-later
// The units of one track that are not in a part yet.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include <fmp4/packager.h>

namespace headgate::fmp4 {

class TrackQueue {
 public:
  explicit TrackQueue(const codec::Track& track) : track_(track) {}

  bool empty() const { return units_.empty(); }
  size_t size() const { return units_.size(); }
  size_t bytes() const { return bytes_; }
  codec::Kind kind() const { return track_.kind; }
  const AccessUnit& operator[](size_t i) const { return units_[i]; }
  // When unit i begins, in kPartTimescale and for cutting only: it never goes back. Video: its DTS moved by
  // the last key frame's composition offset, so that a key frame stands at its PTS.
  int64_t time(size_t i) const { return times_[i]; }
  int64_t end() const {  // of the last unit that is there
    return time(size() - 1) + to_part_ticks(duration_of_last(size()), timescale());
  }
  std::optional<int64_t> last_time() const { return last_time_; }  // of the newest unit ever pushed

  Result<void> push(AccessUnit unit);
  // How many units begin before `time`.
  size_t count_before(int64_t time) const {
    return static_cast<size_t>(std::lower_bound(times_.begin(), times_.end(), time) - times_.begin());
  }
  // Unit i comes later than a sample may last.
  bool gap_before(size_t i) const { return i > 0 && units_[i].dts - units_[i - 1].dts > max_duration(); }
  // `count`, or fewer where a gap lies before.
  size_t count_until_gap(size_t count) const;
  uint32_t duration_of_last(size_t count) const;
  // The last unit lasts as long as those before it do, and no longer than until a next one would come. False:
  // they tell nothing.
  bool settle();

  std::span<const AccessUnit> first(size_t count) const { return std::span(units_).first(count); }
  // What comes next stands in no relation to what came, but that its DTS still grows.
  void forget_time() { last_time_.reset(); }
  uint32_t timescale() const { return track_.timescale; }
  // Moves the first `count` units to the end of `out`.
  void take(size_t count, std::vector<AccessUnit>& out);

 private:
  int64_t max_duration() const { return kMaxSampleSeconds * track_.timescale; }
  Result<void> check(const AccessUnit& unit) const;

  codec::Track track_;
  std::vector<AccessUnit> units_;
  std::vector<int64_t> times_;
  size_t bytes_ = 0;
  std::optional<int64_t> last_dts_;
  std::optional<int64_t> last_time_;
  int64_t composition_ = 0;     // kPartTimescale, of the last key frame
  uint32_t last_duration_ = 0;  // the last difference of two DTS; 0: none yet
};

}  // namespace headgate::fmp4

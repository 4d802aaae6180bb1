// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit_queue.h"

#include <algorithm>

namespace headgate::store {
namespace {

constexpr int64_t kLeastStepNs = 25'000;  // more than a tick of any track

// What is missing behind the last unit is not bridged by more than was promised of them all.
void keep_promise(std::vector<fmp4::AccessUnit>& units, const codec::Track& track, int64_t longest) {
  if (longest == 0 || units.size() < 2) return;
  fmp4::AccessUnit& last = units.back();
  const int64_t before = last.dts - units.front().dts, usual = last.dts - units[units.size() - 2].dts;
  const int64_t left = longest * track.timescale / fmp4::kPartTimescale - before;
  if (last.duration > left)
    last.duration = static_cast<uint32_t>(std::max(left, std::min<int64_t>(usual, last.duration)));
}

}  // namespace

void UnitQueue::push(DerivedUnit unit, codec::Kind kind, uint64_t presentation) {
  if (kind == codec::Kind::audio) unit.key = true;
  if (kind == codec::Kind::video && unit.key) composition_ns_ = unit.pts_ns - unit.dts_ns;
  const int64_t time_ns = unit.dts_ns + (kind == codec::Kind::video ? composition_ns_ : 0);
  last_ns_ = last_ns_ ? std::max(time_ns, *last_ns_ + kLeastStepNs) : time_ns;
  bytes_ += unit.data.size();
  units_.push_back({std::move(unit), kind, presentation, *last_ns_});
}

std::vector<fmp4::AccessUnit> UnitQueue::take(size_t count, const StreamTime& time, const codec::Track& track,
                                              int64_t end, int64_t longest) {
  std::vector<fmp4::AccessUnit> out;
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    DerivedUnit& unit = units_[i].unit;
    out.push_back({.kind = track.kind,
                   .dts = time.ticks(units_[i].time_ns, track.timescale),
                   .pts = time.ticks(unit.pts_ns, track.timescale),
                   .duration = unit.duration,
                   .key = unit.key,
                   .data = unit.data,
                   .holder = std::move(unit.holder)});
    bytes_ -= unit.data.size();
  }
  if (count < units_.size() && count > 0 && units_[count].presentation == units_[count - 1].presentation) {
    const int64_t until_next = time.ticks(units_[count].time_ns, track.timescale) - out.back().dts;
    const int64_t until_end = end * track.timescale / fmp4::kPartTimescale - out.back().dts;
    const int64_t most = track.timescale / 2;
    if (until_next <= most)
      out.back().duration = static_cast<uint32_t>(until_next);
    else if (until_end > 0 && until_end <= most)
      out.back().duration = static_cast<uint32_t>(until_end);
    keep_promise(out, track, longest);
  }
  units_.erase(units_.begin(), units_.begin() + static_cast<ptrdiff_t>(count));
  return out;
}

void UnitQueue::drop(size_t count) {
  for (size_t i = 0; i < count; ++i) bytes_ -= units_[i].unit.data.size();
  units_.erase(units_.begin(), units_.begin() + static_cast<ptrdiff_t>(count));
}

}  // namespace headgate::store

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/boundaries.h"

#include <array>

namespace headgate::abrhlssink {
namespace {

// Silence after which whoever packages begins anew (gst::kGapNs).
constexpr int64_t kGapNs = 2'000'000'000;
constexpr int64_t kNsPerSecond = 1'000'000'000;

int64_t ticks(int64_t ns) {
  return ns / kNsPerSecond * fmp4::kPartTimescale + ns % kNsPerSecond * fmp4::kPartTimescale / kNsPerSecond;
}

// Enough of a track for cutting: nothing of it is written.
codec::Track any_track() {
  codec::Track track;
  track.width = track.height = 16;
  track.config = {std::byte{1}};
  return track;
}

}  // namespace

void Boundaries::begin(int64_t dts_ns) {
  packager_.emplace(fmp4::Presentation{any_track(), std::nullopt}, settings_);
  zero_ns_ = dts_ns;
}

bool Boundaries::next(int64_t dts_ns, int64_t pts_ns, bool key) {
  const bool first = !packager_ || dts_ns > last_ns_ + kGapNs || dts_ns < zero_ns_;
  if (first) begin(dts_ns);
  last_ns_ = dts_ns;
  static constexpr std::array kByte = {std::byte{0}};
  fmp4::AccessUnit unit;
  unit.dts = ticks(dts_ns - zero_ns_);
  unit.pts = unit.dts + ticks(pts_ns - dts_ns);
  unit.key = key;
  unit.data = kByte;
  if (!packager_->push(std::move(unit))) return first;
  bool boundary = first;
  while (const auto part = packager_->next_part()) boundary |= part->ends_segment;
  return boundary;
}

}  // namespace headgate::abrhlssink

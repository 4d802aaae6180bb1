// SPDX-License-Identifier: LGPL-2.1-or-later
#include "raw_clock.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace headgate::abrhlssink {
namespace {

// Nothing for so long: what follows is discontinuous (gst::kGapNs).
constexpr int64_t kGapNs = 2'000'000'000;
constexpr int64_t kRoundNs = 1'000'000;  // frames do not last whole nanoseconds
constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kFollow = 8;  // of the difference between UTC and what it was taken for

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

// The next one's time, seen from this one.
void RawClock::plan_key(int64_t time_ns, bool live) {
  const int64_t period_ns = settings_.segment_ms * 1'000'000;
  if (!live) {
    next_key_ns_ = time_ns + period_ns;
    return;
  }
  const int64_t off_ns = soonest_ns_ - utc_ns_;
  utc_ns_ += std::abs(off_ns) > kUtcStepNs ? off_ns : off_ns / kFollow;
  soonest_ns_ = INT64_MAX;
  const int64_t earliest_ns = time_ns + utc_ns_ + kLeastKeyNs;
  next_key_ns_ = (earliest_ns + period_ns - 1) / period_ns * period_ns - utc_ns_;
}

bool RawClock::is_key(int64_t time_ns, int64_t utc_us, bool live) {
  const int64_t off_ns = utc_us * 1000 - time_ns;
  soonest_ns_ = std::min(soonest_ns_, off_ns);
  if (!packager_) {
    if (!running_) utc_ns_ = soonest_ns_ = off_ns;
  } else if (time_ns + kRoundNs < next_key_ns_) {
    return false;
  }
  plan_key(time_ns, live);
  return true;
}

RawClock::Step RawClock::next(int64_t time_ns, int64_t duration_ns, int64_t utc_us, bool live) {
  Step step;
  if (running_ && time_ns <= last_ns_) return step;
  step.usable = true;
  if (packager_ && time_ns > last_ns_ + kGapNs) {
    packager_->flush();
    take_parts(step.records, true);
    packager_.reset();
  }
  step.key = is_key(time_ns, utc_us, live);
  if (!running_) {
    running_ = true;
    zero_ns_ = time_ns;
    // Numbers grow over restarts, too; and over a flush of what came faster than it lasts.
    msn_ = std::max(msn_, static_cast<uint64_t>(utc_us / 1000 / settings_.segment_ms));
    playlist::RunRecord run;
    run.run = "raw";
    run.first_msn = msn_;
    run.utc_us = utc_us;
    run.max_segment_ms = static_cast<uint32_t>(fmp4::longest_segment_ms(settings_));
    run.max_part_ms = static_cast<uint32_t>(fmp4::longest_part_ms(settings_));
    step.records.emplace_back(std::move(run));
    step.time = store::StreamTime{0, -time_ns};
  }
  step.boundary = !packager_;
  if (!packager_) packager_.emplace(fmp4::Presentation{any_track(), std::nullopt}, settings_);
  last_ns_ = time_ns;
  static constexpr std::array kByte = {std::byte{0}};
  fmp4::AccessUnit unit;
  unit.dts = unit.pts = ticks(time_ns - zero_ns_);
  unit.duration = static_cast<uint32_t>(ticks(duration_ns));
  unit.key = step.key;
  unit.data = kByte;
  unit.utc_us = utc_us;
  if (packager_->push(std::move(unit)) && take_parts(step.records, false)) step.boundary = true;
  return step;
}

void RawClock::end_segment(std::vector<playlist::Record>& records) {
  records.emplace_back(segment_);
  ++msn_;
  index_ = 0;
}

bool RawClock::take_parts(std::vector<playlist::Record>& records, bool last) {
  bool ended = false;
  while (const auto part = packager_->next_part()) {
    if (part->starts_segment) {
      segment_ = {};
      segment_.msn = msn_;
      segment_.pts = part->pts;
      segment_.utc_us = part->utc_us;
    }
    playlist::PartRecord record;
    record.msn = msn_;
    record.index = index_++;
    record.pts = part->pts;
    record.duration = part->duration;
    record.utc_us = part->utc_us;
    record.independent = true;
    records.emplace_back(std::move(record));
    segment_.duration = part->pts + part->duration - segment_.pts;
    if (!part->ends_segment) continue;
    end_segment(records);
    ended = true;
  }
  if (last && index_ > 0) end_segment(records);
  return ended;
}

std::vector<playlist::Record> RawClock::end() {
  std::vector<playlist::Record> records;
  if (!running_) return records;
  if (packager_) {
    packager_->flush();
    take_parts(records, true);
    packager_.reset();
  }
  records.emplace_back(playlist::EndRecord{"eos"});
  running_ = false;
  return records;
}

}  // namespace headgate::abrhlssink

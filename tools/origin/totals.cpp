// SPDX-License-Identifier: LGPL-2.1-or-later
#include "totals.h"

#include <algorithm>

namespace headgate::origin {
namespace {

int64_t ticks_us(int64_t ticks) {
  return ticks * 1'000'000 / playlist::kTimescale;
}

}  // namespace

void Totals::add(const playlist::Record& record) {
  auto media_until = [&](int64_t utc_us) {
    last_media_utc_us = std::max(last_media_utc_us.value_or(INT64_MIN), utc_us);
  };
  if (auto* run = std::get_if<playlist::RunRecord>(&record)) {
    if (!last_run_.empty() && !playlist::is_later_run(run->run, last_run_)) return;
    last_run_ = run->run;
    ++runs;
    end_reason.clear();
    // As in StreamIndex: a run that begins below the numbers used starts over.
    if (last_msn_ && run->first_msn <= *last_msn_) {
      last_msn_.reset();
      last_gap_pts_ = INT64_MIN;
    }
  } else if (auto* part = std::get_if<playlist::PartRecord>(&record)) {
    media_until(part->utc_us + ticks_us(part->duration));
  } else if (auto* segment = std::get_if<playlist::SegmentRecord>(&record)) {
    if (last_msn_ && segment->msn <= *last_msn_) return;
    last_msn_ = segment->msn;
    duration += segment->duration;
    if (!first_utc_us) first_utc_us = segment->utc_us;
    media_until(segment->utc_us + ticks_us(segment->duration));
  } else if (auto* gap = std::get_if<playlist::GapRecord>(&record)) {
    if (gap->from_pts <= last_gap_pts_) return;
    last_gap_pts_ = gap->from_pts;
    ++gaps;
  } else if (auto* end = std::get_if<playlist::EndRecord>(&record)) {
    end_reason = end->reason;
  }
}

void Totals::add(const Before& before) {
  runs += before.runs;
  gaps += before.gaps;
  duration += before.duration;
  if (before.first_utc_us) first_utc_us = before.first_utc_us;
  whole = true;
}

}  // namespace headgate::origin

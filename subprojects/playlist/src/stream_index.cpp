// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/stream_index.h>

#include <algorithm>
#include <tuple>

#include "rates.h"
#include "sound.h"

namespace headgate::playlist {
namespace {

constexpr int64_t kTicksPerMs = kTimescale / 1000;

}  // namespace

StreamIndex::StreamIndex(IndexSettings settings) : settings_(settings) {}

void StreamIndex::add(const Record& record) {
  if (!sound(record)) return;
  if (repeating_ && !std::holds_alternative<RunRecord>(record)) return;
  std::visit([this](const auto& what) { on(what); }, record);
}

void StreamIndex::on(const RunRecord& run) {
  const bool behind = next_msn_ && run.first_msn < *next_msn_;
  repeating_ = false;
  if (run_) {
    if (run.run == run_->run) return;
    // By name: a run that follows an empty one begins with the same number, and clocks step back.
    if (!is_later_run(run.run, run_->run) && (behind || run.first_msn == run_->first_msn)) {
      repeating_ = true;
      return;
    }
  }
  if (behind) start_over();
  while (!parts_.empty() && parts_.back().msn >= run.first_msn)
    parts_.pop_back();  // of a segment never ended
  run_ = run;
  target_seconds_ = std::max(
      target_seconds_, run.max_segment_ms != 0 ? (run.max_segment_ms + 999) / 1000 : kDefaultTargetSeconds);
  run_open_ = true;
  run_has_segments_ = false;
  next_msn_ = run.first_msn;
  ++version_;
}

void StreamIndex::on(const InitRecord& init) {
  // The first file with these bytes stays the one to read them from.
  inits_.emplace(init.id, init);
  newest_init_ = init.id;
}

void StreamIndex::on(const PartRecord& part) {
  if (next_msn_ && part.msn < *next_msn_) return;
  if (!parts_.empty() && std::tie(part.msn, part.index) <= std::tie(parts_.back().msn, parts_.back().index))
    return;
  parts_.push_back(part);
  if (parts_.size() > kMaxParts) parts_.pop_front();
  ++version_;
}

// Where the segment stands behind the last one.
Segment StreamIndex::placed(const SegmentRecord& record) const {
  Segment segment{record};
  const bool begins_run = run_ && !run_has_segments_;
  if (segments_.empty()) {
    segment.discontinuity_sequence = begins_run ? run_->discontinuity_sequence : 0;
    return segment;
  }
  const Segment& last = segments_.back();
  // A run is always discontinuous with the one before, whatever number it brings.
  segment.discontinuity_sequence = last.discontinuity_sequence + (begins_run || record.discontinuity ? 1 : 0);
  if (begins_run)
    segment.discontinuity_sequence = std::max(segment.discontinuity_sequence, run_->discontinuity_sequence);
  const uint64_t skipped = segment.discontinuity_sequence - last.discontinuity_sequence;
  segment.continues = record.msn == last.record.msn + 1 && skipped <= kMaxSkippedDiscontinuities;
  return segment;
}

void StreamIndex::date(Segment& segment, const Segment* last) {
  const SegmentRecord& record = segment.record;
  segment.program_utc_us = record.utc_us;
  if (last != nullptr && segment.continues && last->program_utc_us != 0 &&
      segment.discontinuity_sequence == last->discontinuity_sequence) {
    if (record.pts >= last->record.pts) {
      segment.program_utc_us = dated_utc_us_ + (record.pts - dated_pts_) * 100 / 9;
      return;
    }
    segment.program_utc_us = last->program_utc_us + last->record.duration * 100 / 9;
  }
  dated_pts_ = record.pts;
  dated_utc_us_ = segment.program_utc_us;
}

void StreamIndex::on(const SegmentRecord& record) {
  if (next_msn_ && record.msn < *next_msn_) return;
  if (!inits_.contains(record.init_id)) return;
  segments_.push_back(placed(record));
  date(segments_.back(), segments_.size() > 1 ? &segments_[segments_.size() - 2] : nullptr);
  independent_ = independent_ && record.independent;
  total_ += record.duration;
  live_total_ += record.duration;
  run_has_segments_ = true;
  next_msn_ = record.msn + 1;
  // RFC 8216, 4.3.3.1: durations rounded to the nearest second. A playlist that says too little is worse than
  // one that changes.
  const auto seconds = static_cast<uint32_t>((record.duration + kTimescale / 2) / kTimescale);
  target_seconds_ = std::max(target_seconds_, seconds);
  while (!parts_.empty() && parts_.front().msn + kPartSegments < *next_msn_) parts_.pop_front();
  slide();
  ++version_;
}

// What is missing shows in the next segment's `discontinuity`.
void StreamIndex::on(const GapRecord&) {}

void StreamIndex::on(const EndRecord&) {
  run_open_ = false;
  ++version_;
}

void StreamIndex::start_over() {
  segments_.clear();
  inits_.clear();
  parts_.clear();
  total_ = live_total_ = 0;
  live_begin_ = 0;
  independent_ = true;
}

void StreamIndex::slide() {
  const int64_t at_least = int64_t{3} * target_seconds() * kTimescale;
  if (!segments_.back().continues) {
    live_begin_ = segments_.size() - 1;
    live_total_ = segments_.back().record.duration;
  }
  const int64_t live = std::max(settings_.live_ms * kTicksPerMs, at_least);
  while (settings_.live_ms > 0 && live_total_ - segments_[live_begin_].record.duration >= live)
    live_total_ -= segments_[live_begin_++].record.duration;
  const int64_t window = std::max(settings_.window_ms * kTicksPerMs, at_least);
  while (settings_.window_ms > 0 && total_ - segments_.front().record.duration >= window) remove_front();
}

void StreamIndex::remove_front() {
  const SegmentRecord gone = segments_.front().record;
  segments_.pop_front();
  total_ -= gone.duration;
  if (live_begin_ > 0)
    --live_begin_;
  else
    live_total_ -= gone.duration;
  if (segments_.front().record.file == gone.file) return;
  // The file may now be deleted: the init segment is to be read from the next one with the same bytes.
  const auto user = std::find_if(segments_.begin(), segments_.end(),
                                 [&](const Segment& s) { return s.record.init_id == gone.init_id; });
  const auto init = inits_.find(gone.init_id);
  if (user != segments_.end()) {
    if (init->second.file == gone.file) init->second.file = user->record.file;
  } else if (gone.init_id != newest_init_) {
    inits_.erase(init);
  }
}

const InitRecord* StreamIndex::newest_init() const {
  const auto it = inits_.find(segments_.empty() ? newest_init_ : segments_.back().record.init_id);
  return it == inits_.end() ? nullptr : &it->second;
}

const Segment* StreamIndex::find_segment(uint64_t msn) const {
  const auto it = std::lower_bound(segments_.begin(), segments_.end(), msn,
                                   [](const Segment& segment, uint64_t n) { return segment.record.msn < n; });
  return it != segments_.end() && it->record.msn == msn ? &*it : nullptr;
}

const PartRecord* StreamIndex::find_part(uint64_t msn, uint32_t index) const {
  const auto key = std::pair(msn, index);
  const auto it = std::lower_bound(
      parts_.begin(), parts_.end(), key,
      [](const PartRecord& part, const auto& wanted) { return std::pair(part.msn, part.index) < wanted; });
  return it != parts_.end() && it->msn == msn && it->index == index ? &*it : nullptr;
}

uint32_t StreamIndex::bandwidth() const {
  const double peak = peak_rate(segments_, target_seconds(),
                                [](const Segment& segment) { return std::optional(segment.record.length); });
  return std::max(clamp_rate(peak), average_bandwidth());
}

uint32_t StreamIndex::average_bandwidth() const {
  double bytes = 0;
  for (const Segment& segment : segments_) bytes += static_cast<double>(segment.record.length);
  return clamp_rate(bit_rate(bytes, total_));
}

}  // namespace headgate::playlist

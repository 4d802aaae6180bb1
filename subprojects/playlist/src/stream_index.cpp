// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/stream_index.h>

#include <algorithm>
#include <cstdlib>
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
  finish_open_segment(run);
  while (!parts_.empty() && parts_.back().msn >= run.first_msn)
    parts_.pop_back();  // of a segment never ended
  run_ = run;
  part_target_ms_ = std::max(part_target_ms_, run.max_part_ms);
  target_seconds_ = std::max(
      target_seconds_, run.max_segment_ms != 0 ? (run.max_segment_ms + 999) / 1000 : kDefaultTargetSeconds);
  run_open_ = true;
  run_has_segments_ = false;
  next_msn_ = run.first_msn;
  ++version_;
}

// The writer before died in the middle of a segment: what was told of it is one, as the archive's recovery
// has it too, and the numbers go on behind it.
void StreamIndex::finish_open_segment(const RunRecord& next) {
  const std::optional<Segment> open = open_segment();
  if (open && open->record.msn + 1 == next.first_msn) on(open->record);
}

void StreamIndex::on(const InitRecord& init) {
  // The first file with these bytes stays the one to read them from.
  inits_.emplace(init.id, init);
  if (newest_init_ != init.id) ++version_;
  newest_init_ = init.id;
}

void StreamIndex::on(const PartRecord& part) {
  if (next_msn_ && part.msn < *next_msn_) return;
  const bool goes_on = !parts_.empty() && parts_.back().msn == part.msn;
  if (!parts_.empty() && part.msn < parts_.back().msn) return;
  // Players know a part by its place among those of its segment.
  if (part.index != (goes_on ? parts_.back().index + 1 : 0)) return;
  parts_.push_back(part);
  if (parts_.size() > kMaxParts) parts_.erase(parts_.begin());
  listed_parts_begin_ = std::max(listed_parts_begin_, begin_within(kListedPartTargets));
  ++parts_version_;
}

// Of a segment whose parts are not all known none is kept. With a gap they are known when they last as long.
void StreamIndex::finish_parts(const SegmentRecord& record) {
  uint64_t end = record.offset;
  int64_t left = record.duration;
  bool gap = false;
  const auto first = std::find_if(parts_.begin(), parts_.end(),
                                  [&](const PartRecord& part) { return part.msn >= record.msn; });
  bool whole = first != parts_.end() && first->index == 0;
  for (auto part = first; part != parts_.end() && whole; ++part) {
    const bool in_place = record.length == 0 || (part->file == record.file && part->offset == end);
    gap = gap || part->length == 0;
    whole = part->msn == record.msn && (gap || in_place);
    left -= part->duration;
    end += part->length;
  }
  whole = whole && (gap ? std::abs(left) <= kHoleTicks / 2 : end == record.offset + record.length);
  if (!whole) parts_.erase(first, parts_.end());
}

uint64_t StreamIndex::begin_within(int64_t targets) const {
  int64_t left = targets * target_seconds() * kTimescale;
  uint64_t begin = next_msn_.value_or(0);
  for (const PartRecord& part : parts_of(begin)) left -= part.duration;
  for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
    left -= segment->record.duration;
    if (left < 0 || parts_.empty() || segment->record.msn < parts_.front().msn) break;
    begin = segment->record.msn;
  }
  return begin;
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

// None: the time of receipt.
std::optional<int64_t> StreamIndex::date_by_media(const Segment& segment, const Segment* last) const {
  if (last == nullptr || !segment.continues || last->program_utc_us == 0 ||
      segment.discontinuity_sequence != last->discontinuity_sequence)
    return std::nullopt;
  if (segment.record.pts >= last->record.pts)
    return dated_utc_us_ + (segment.record.pts - dated_pts_) * 100 / 9;
  return last->program_utc_us + last->record.duration * 100 / 9;
}

int64_t StreamIndex::date_by_receipt(const SegmentRecord& record) const {
  const bool begins_run = run_ && !run_has_segments_ && record.utc_us != 0 && run_->dated_from_us != 0;
  return begins_run ? std::max(record.utc_us, run_->dated_from_us) : record.utc_us;
}

void StreamIndex::date(Segment& segment, const Segment* last) {
  const SegmentRecord& record = segment.record;
  const auto by_media = date_by_media(segment, last);
  segment.program_utc_us = by_media.value_or(date_by_receipt(record));
  if (by_media && record.pts >= last->record.pts) return;
  dated_pts_ = record.pts;
  dated_utc_us_ = segment.program_utc_us;
}

void StreamIndex::on(const SegmentRecord& record) {
  if (next_msn_ && record.msn < *next_msn_) return;
  if (!inits_.contains(record.init_id)) return;
  Segment segment = placed(record);
  date(segment, segments_.empty() ? nullptr : &segments_.back());
  append(std::move(segment));
}

void StreamIndex::append(Segment segment) {
  segments_.push_back(std::move(segment));
  const SegmentRecord record = segments_.back().record;
  independent_ = independent_ && (record.independent || record.length == 0);
  total_ += record.duration;
  live_total_ += record.duration;
  run_has_segments_ = true;
  next_msn_ = record.msn + 1;
  // RFC 8216, 4.3.3.1: durations rounded to the nearest second. A playlist that says too little is worse than
  // one that changes.
  const auto seconds = static_cast<uint32_t>((record.duration + kTimescale / 2) / kTimescale);
  target_seconds_ = std::max(target_seconds_, seconds);
  finish_parts(record);
  slide();
  listed_parts_begin_ = std::max(listed_parts_begin_, begin_within(kListedPartTargets));
  const uint64_t begin = begin_within(kPartTargets);
  parts_.erase(parts_.begin(), std::find_if(parts_.begin(), parts_.end(),
                                            [&](const PartRecord& part) { return part.msn >= begin; }));
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
  listed_parts_begin_ = 0;
  independent_ = true;
  ++epoch_;
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
  const auto init = inits_.find(gone.init_id);
  if (init == inits_.end() || gone.length == 0) return;
  const auto uses = [&](const Segment& s) { return s.record.init_id == gone.init_id; };
  const auto user = std::find_if(segments_.begin(), segments_.end(),
                                 [&](const Segment& s) { return uses(s) && s.record.length > 0; });
  if (user != segments_.end()) {
    if (init->second.file == gone.file) init->second.file = user->record.file;
  } else if (gone.init_id != newest_init_ && std::none_of(segments_.begin(), segments_.end(), uses)) {
    inits_.erase(init);
  }
}

const InitRecord* StreamIndex::newest_init() const {
  const bool gap = segments_.empty() || segments_.back().record.length == 0;
  const auto it = inits_.find(gap ? newest_init_ : segments_.back().record.init_id);
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

std::span<const PartRecord> StreamIndex::parts_of(uint64_t msn) const {
  const auto first = std::lower_bound(parts_.begin(), parts_.end(), msn,
                                      [](const PartRecord& part, uint64_t n) { return part.msn < n; });
  if (first == parts_.end() || first->msn != msn || first->index != 0) return {};
  const auto end = std::find_if(first, parts_.end(), [&](const PartRecord& part) { return part.msn != msn; });
  return {first, end};
}

std::optional<Segment> StreamIndex::open_segment() const {
  const std::span<const PartRecord> parts = parts_of(next_msn_.value_or(0));
  if (parts.empty() || !inits_.contains(newest_init_)) return std::nullopt;
  const PartRecord& first = parts.front();
  SegmentRecord record;
  record.msn = first.msn;
  record.file = first.file;
  record.offset = first.offset;
  record.pts = first.pts;
  for (const PartRecord& part : parts) {
    if (part.length == 0) break;
    record.length = part.offset + part.length - first.offset;
    record.duration += part.duration;
  }
  record.utc_us = first.utc_us;
  if (record.length > 0) record.init_id = newest_init_;
  record.discontinuity = first.discontinuity;
  record.independent = first.independent;
  Segment open = placed(record);
  const Segment* last = segments_.empty() ? nullptr : &segments_.back();
  open.program_utc_us = date_by_media(open, last).value_or(date_by_receipt(record));
  return open;
}

uint32_t StreamIndex::bandwidth() const {
  const double peak =
      peak_rate(segments_, target_seconds(), [](const Segment& segment) -> std::optional<Counted> {
        if (segment.record.length == 0) return std::nullopt;
        return Counted{segment.record.length, segment.record.duration};
      });
  return std::max(clamp_rate(peak), average_bandwidth());
}

uint32_t StreamIndex::average_bandwidth() const {
  double bytes = 0;
  int64_t duration = 0;
  for (const Segment& segment : segments_) {
    bytes += static_cast<double>(segment.record.length);
    duration += segment.record.length > 0 ? segment.record.duration : 0;
  }
  return clamp_rate(bit_rate(bytes, duration));
}

}  // namespace headgate::playlist

// SPDX-License-Identifier: LGPL-2.1-or-later
// The half of StreamIndex that takes a derived rendition's segments.
#include <playlist/stream_index.h>

#include <algorithm>

namespace headgate::playlist {

void StreamIndex::mirror_start(const StreamIndex& source) {
  if (mirrored_epoch_ == source.epoch_) return;
  mirrored_epoch_ = source.epoch_;
  start_over();
  next_msn_.reset();
  run_open_ = false;
  ++version_;
}

void StreamIndex::mirror_run(const StreamIndex& source, uint64_t msn) {
  if (next_msn_ && msn < *next_msn_) return;
  part_target_ms_ = std::max(part_target_ms_, source.part_target_ms_);
  target_seconds_ = std::max(target_seconds_, source.target_seconds_);
  if (source.run_ && msn >= source.run_->first_msn && (!run_ || run_->run != source.run_->run)) {
    run_ = source.run_;
    run_has_segments_ = msn > run_->first_msn;
  }
  next_msn_ = msn;
  ++version_;
}

void StreamIndex::mirror(const StreamIndex& source, const Segment& of_source, const SegmentRecord* own) {
  if (next_msn_ && of_source.record.msn < *next_msn_) return;
  mirror_run(source, of_source.record.msn);
  Segment segment = of_source;
  if (own != nullptr) {
    segment.record = *own;
    segment.record.discontinuity = of_source.record.discontinuity;
  } else {
    const std::span<const PartRecord> parts = parts_of(of_source.record.msn);
    const bool begun = !parts.empty() && parts.front().length > 0 && inits_.contains(newest_init_);
    segment.record.file.clear();
    segment.record.init_id = begun ? newest_init_ : "";
    segment.record.offset = segment.record.length = 0;
  }
  if (!segments_.empty())
    segment.continues = of_source.continues && of_source.record.msn == segments_.back().record.msn + 1;
  dated_pts_ = segment.record.pts;
  dated_utc_us_ = segment.program_utc_us;
  append(std::move(segment));
}

void StreamIndex::mirror_gap_part(const StreamIndex& source, const PartRecord& of_source, int64_t duration) {
  const std::span<const PartRecord> own = parts_of(of_source.msn);
  PartRecord gap;
  gap.msn = of_source.msn;
  gap.index = static_cast<uint32_t>(own.size());
  gap.pts = own.empty() ? of_source.pts : own.back().pts + own.back().duration;
  gap.duration = duration;
  gap.utc_us = of_source.utc_us;
  gap.discontinuity = of_source.discontinuity;
  if (own.empty()) mirror_run(source, of_source.msn);
  on(gap);
}

void StreamIndex::mirror_open(bool open) {
  if (run_open_ == open) return;
  run_open_ = open;
  ++version_;
}

}  // namespace headgate::playlist

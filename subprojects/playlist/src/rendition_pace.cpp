// SPDX-License-Identifier: LGPL-2.1-or-later
// The half of RenditionIndex that keeps pace with its source's parts.
#include <playlist/rendition_index.h>

#include <algorithm>
#include <span>

#include "sound.h"

namespace headgate::playlist {

// It is live, has parts, and is not just on offer.
bool RenditionIndex::keeps_pace(const StreamIndex& source) const {
  const InitRecord* const init = index_.newest_init();
  const bool listed = !index_.segments().empty() || index_.open_segment();
  return settings_.window_ms > 0 && source.part_target_ms() > 0 && listed && init != nullptr &&
         !of_pictures(init->id);
}

// A part of it is a gap.
bool RenditionIndex::lost(uint64_t msn) const {
  const std::span<const PartRecord> parts = index_.parts_of(msn);
  return !parts.empty() && parts.back().length == 0;
}

// What is missing next is the first of an encoder that starts.
bool RenditionIndex::may_wait(const StreamIndex& source) const {
  const uint64_t msn = index_.next_msn().value_or(0);
  if (!index_.parts_of(msn).empty()) return false;
  const Segment* const finished = source.find_segment(msn);
  const auto open = source.next_msn() == msn ? source.open_segment() : std::nullopt;
  const Segment* const next = finished != nullptr ? finished : open ? &*open : nullptr;
  const auto& own = index_.segments();
  const bool breaks =
      next != nullptr && !own.empty() && next->discontinuity_sequence != own.back().discontinuity_sequence;
  const bool starts = !writing_ && (!told_ || told_->state == RenditionState::running);
  return (breaks || starts) && ahead(source) < kMostMissedAtStart;
}

// So many parts the source has behind all that is listed of this one; at most kMostMissedAtStart are counted.
size_t RenditionIndex::ahead(const StreamIndex& source) const {
  const uint64_t first = index_.next_msn().value_or(0), last = source.next_msn().value_or(0);
  const size_t own = index_.parts_of(first).size(), begun = source.parts_of(first).size();
  size_t count = begun > own ? begun - own : 0;
  for (uint64_t at = first + 1; count < kMostMissedAtStart && at <= last; ++at)
    count += source.parts_of(at).size();
  return std::min(count, kMostMissedAtStart);
}

// The source's part behind all that is listed of a segment; null: that has no more, but for what frames of
// sound reach over its cuts.
const PartRecord* RenditionIndex::following(uint64_t msn, const StreamIndex& source) const {
  const std::span<const PartRecord> own = index_.parts_of(msn);
  const std::span<const PartRecord> all = source.parts_of(msn);
  const auto next = std::find_if(all.begin(), all.end(), [own](const PartRecord& part) {
    return own.empty() || part.pts + part.duration > own.back().pts + own.back().duration + kFrameTicks;
  });
  return next != all.end() ? &*next : nullptr;
}

// False: there is none to be added.
bool RenditionIndex::add_gap_part(uint64_t msn, const StreamIndex& source) {
  const PartRecord* const next = following(msn, source);
  if (next == nullptr) return false;
  const std::span<const PartRecord> own = index_.parts_of(msn);
  const size_t before = own.size();
  const int64_t from = own.empty() ? next->pts : own.back().pts + own.back().duration;
  const int64_t most = int64_t{source.part_target_ms()} * (kTimescale / 1000);
  index_.mirror_gap_part(source, *next, std::min(next->pts + next->duration - from, most));
  return index_.parts_of(msn).size() > before;
}

// Whoever was told of some of them, or waits for the first, is told of all.
void RenditionIndex::complete_parts(uint64_t msn, const StreamIndex& source) {
  if (!keeps_pace(source)) return;
  const size_t most = source.parts_of(msn).size();
  for (size_t i = 0; i < most && add_gap_part(msn, source); ++i) continue;
}

// The source has one part more.
void RenditionIndex::miss(const StreamIndex& source) {
  if (++missed_ < kMostMissed) return;
  miss_next(source);
  // It has been waited for: two at a time, until it is no further behind than any that gives nothing.
  if (ahead(source) > kMostMissed + 1) miss_next(source);
}

bool RenditionIndex::behind(const StreamIndex& source) const {
  if (!keeps_pace(source) || may_wait(source)) return false;
  const uint64_t first = index_.next_msn().value_or(0), last = source.next_msn().value_or(0);
  for (uint64_t msn = first; msn <= last && msn - first < kPartTargets; ++msn)
    if (following(msn, source) != nullptr) return true;
  return false;
}

void RenditionIndex::miss_next(const StreamIndex& source) {
  const auto& segments = source.segments();
  missed_ = std::max(missed_, kMostMissed);
  while (!may_wait(source) && !add_gap_part(index_.next_msn().value_or(0), source)) {
    const auto next = std::lower_bound(segments.begin(), segments.end(), index_.next_msn().value_or(0),
                                       [](const Segment& one, uint64_t msn) { return one.record.msn < msn; });
    if (next == segments.end()) return;
    fill(next->record.msn + 1, source);
  }
}

}  // namespace headgate::playlist

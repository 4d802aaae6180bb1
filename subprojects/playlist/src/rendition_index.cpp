// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/rendition_index.h>

#include <algorithm>
#include <cstdlib>
#include <span>
#include <utility>

#include "sound.h"

namespace headgate::playlist {
namespace {

// A rendition's segment that is further from its source's is another stream's of the same number.
constexpr int64_t kSameTicks = kTimescale / 2;

// The source goes on behind a segment without a discontinuity, or may do so.
bool goes_on(const StreamIndex& source, const Segment& segment) {
  const Segment* const next = source.find_segment(segment.record.msn + 1);
  if (next == nullptr) return source.run_open() && source.next_msn() == segment.record.msn + 1;
  return next->continues && next->discontinuity_sequence == segment.discontinuity_sequence;
}

}  // namespace

RenditionIndex::RenditionIndex(IndexSettings settings) : settings_(settings), index_(settings) {}

void RenditionIndex::add(const Record& record, const StreamIndex& source) {
  if (!sound(record)) return;
  std::visit([&](const auto& what) { on(what, source); }, record);
}

void RenditionIndex::on(const RunRecord&, const StreamIndex&) {
  writing_ = true;
  stopped_ = false;
}

void RenditionIndex::on(const InitRecord& init, const StreamIndex&) {
  index_.add(init);
}

void RenditionIndex::on(const PartRecord& part, const StreamIndex& source) {
  come_to(part.msn);
  if (part.index == 0) {
    fill(part.msn, source);
    index_.mirror_run(source, part.msn);
    index_.mirror_open(writing_);
  }
  const InitRecord* const init = index_.newest_init();
  // Behind a gap there is no picture to go on from.
  if ((init != nullptr && of_pictures(init->id)) || lost(part.msn)) return;
  if (has_no_beginning(part, source)) return complete_parts(part.msn, source);
  index_.add(part);
  const PartRecord* const listed = index_.find_part(part.msn, part.index);
  if (listed != nullptr && *listed == part) missed_ = 0;
}

void RenditionIndex::on(const SegmentRecord& segment, const StreamIndex& source) {
  come_to(segment.msn);
  at_ = segment.msn + 1;
  const Segment* of_source = source.find_segment(segment.msn);
  if (of_source == nullptr || segment.length == 0 || !index_.inits().contains(segment.init_id)) return;
  if (std::abs(segment.pts - of_source->record.pts) > kSameTicks) return;
  fill(segment.msn, source);
  SegmentRecord own = segment;
  if (of_pictures(own.init_id)) own.duration = of_source->record.duration;
  const bool whole = !has_hole(own) && (own.duration + kHoleTicks >= of_source->record.duration ||
                                        !goes_on(source, *of_source));
  if (!whole || lost(own.msn)) complete_parts(own.msn, source);
  if (whole) missed_ = 0;
  index_.mirror(source, *of_source, whole ? &own : nullptr);
  index_.mirror_open(writing_);
  const Segment* const listed = index_.find_segment(own.msn);
  if (listed != nullptr && listed->record.length == 0)
    keep(whole ? Unlisted::Kind::whole : Unlisted::Kind::cut, own, of_source->record);
}

// Not one that has lost its beginning: an encoder was started again within it.
void RenditionIndex::keep(Unlisted::Kind kind, const SegmentRecord& segment, const SegmentRecord& of_source) {
  if (!segment.independent || std::abs(segment.pts - of_source.pts) > kHoleTicks) return;
  unlisted_[segment.msn] = {kind, segment};
  ++own_version_;
  const auto& segments = index_.segments();
  if (!segments.empty())
    unlisted_.erase(unlisted_.begin(), unlisted_.lower_bound(segments.front().record.msn));
}

// A segment's first part that begins behind its source's: an encoder was started again within the segment,
// which will be a gap, and no part of a gap's may have been listed as one that is there.
bool RenditionIndex::has_no_beginning(const PartRecord& part, const StreamIndex& source) {
  const PartRecord* const of_source = part.index == 0 ? source.find_part(part.msn, 0) : nullptr;
  return of_source != nullptr && part.pts > of_source->pts + kHoleTicks;
}

const Unlisted* RenditionIndex::find_unlisted(uint64_t msn) const {
  const auto found = unlisted_.find(msn);
  return found != unlisted_.end() ? &found->second : nullptr;
}

bool RenditionIndex::is_late(uint64_t msn) const {
  if (!writing_ || at_ != msn) return false;
  const Unlisted* const found = find_unlisted(msn);
  return found != nullptr ? found->kind == Unlisted::Kind::growing : index_.next_msn() == msn && lost(msn);
}

void RenditionIndex::come_to(uint64_t msn) {
  at_ = msn;
  cut_growing(msn);
}

// Nothing is added any more to those before `until`.
void RenditionIndex::cut_growing(uint64_t until) {
  for (auto& [msn, one] : unlisted_) {
    if (msn >= until) break;
    if (one.kind != Unlisted::Kind::growing) continue;
    one.kind = Unlisted::Kind::cut;
    ++own_version_;
  }
}

// Something that should be between its parts is not there.
bool RenditionIndex::has_hole(const SegmentRecord& segment) const {
  const std::span<const PartRecord> parts = index_.parts_of(segment.msn);
  int64_t sum = 0;
  uint64_t bytes = 0;
  for (const PartRecord& part : parts) sum += part.duration, bytes += part.length;
  return bytes == segment.length && sum + kHoleTicks < segment.duration;
}

bool RenditionIndex::of_pictures(const std::string& init_id) const {
  const auto found = index_.inits().find(init_id);
  return found != index_.inits().end() && found->second.codecs == kPictureCodec;
}

void RenditionIndex::on(const GapRecord&, const StreamIndex&) {}

// Its source's run has ended, or nobody encodes it any more: what its encoder said tells. Where nothing was
// said, as on the disk, the source may already be further than runs of this that follow: what it has next
// tells.
void RenditionIndex::on(const EndRecord&, const StreamIndex& source) {
  writing_ = false;
  cut_growing(UINT64_MAX);
  index_.mirror_open(false);
  if (!told_)
    stopped_ = true;
  else if (told_->state != RenditionState::running && !keeps_pace(source))
    stop(source);
}

void RenditionIndex::on(const RenditionRecord& rendition, const StreamIndex& source) {
  told_ = rendition;
  ++own_version_;
  expect_beginning(source);
  if (rendition.state == RenditionState::running)
    stopped_ = false;
  else if (!writing_ && !keeps_pace(source))
    stop(source);
}

// Whoever asks for it first is waited with until there is something: until then it has no gaps.
bool RenditionIndex::untouched() const {
  return told_ && told_->on_demand && told_->state == RenditionState::idle && index_.segments().empty();
}

void RenditionIndex::forget_told() {
  told_.reset();
  ++own_version_;
}

bool RenditionIndex::has_media() const {
  return std::any_of(index_.segments().rbegin(), index_.segments().rend(),
                     [](const Segment& segment) { return segment.record.length > 0; });
}

// One that is encoded on demand begins with the segment that was finished last when somebody asked for it
// (docs/delivery.md), which may have been one more by the time that this is told of. What is being encoded
// has begun.
void RenditionIndex::expect_beginning(const StreamIndex& source) {
  constexpr uint64_t kBack = 2;  // of what comes next: the one that was finished last, and one for the way
  if (!index_.segments().empty() || source.segments().empty()) return will_reach_.reset();
  const bool starts = told_ && told_->state == RenditionState::running;
  if (starts && will_reach_) return;
  const uint64_t first = source.segments().front().record.msn, next = source.next_msn().value_or(0);
  will_reach_ = starts || next < first + kBack ? first : next - kBack;
}

std::optional<PartName> RenditionIndex::will_reach() const {
  if (!will_reach_ || !index_.segments().empty()) return std::nullopt;
  return PartName{*will_reach_, 0};
}

uint32_t RenditionIndex::bandwidth() const {
  return std::max(index_.bandwidth(), told_ ? told_->bandwidth : 0);
}

void RenditionIndex::follow(const StreamIndex& source) {
  const uint64_t epoch = index_.epoch();
  index_.mirror_start(source);
  if (index_.epoch() != epoch) unlisted_.clear(), at_.reset(), will_reach_.reset();
  expect_beginning(source);
  if (stopped_ || has_fallen_out(source)) fill(source.next_msn().value_or(0), source);
  const auto next = next_part(source);
  const auto newest = next && next->index > 0 ? next : std::nullopt;
  if (newest && newest != std::exchange(newest_, newest) && keeps_pace(source)) miss(source);
}

// Its source has no more what comes next of it, so that its playlist cannot go on from there without a leap.
// Whatever comes of that now comes too late: it goes on where its source is.
bool RenditionIndex::has_fallen_out(const StreamIndex& source) const {
  if (index_.segments().empty() || source.segments().empty()) return false;
  return index_.next_msn().value_or(0) < source.segments().front().record.msn;
}

void RenditionIndex::stop(const StreamIndex& source) {
  if (untouched()) return;
  writing_ = false;
  cut_growing(UINT64_MAX);
  index_.mirror_open(false);
  stopped_ = true;
  follow(source);
}

// Gaps for what the source has before segment `until`: of a rendition that has nothing yet, not even a part,
// as far back as a live playlist reaches.
void RenditionIndex::fill(uint64_t until, const StreamIndex& source) {
  const auto& segments = source.segments();
  const uint64_t next = index_.next_msn().value_or(0);
  const bool listed = !index_.segments().empty() || !index_.parts_of(next).empty();
  const size_t first = listed || settings_.window_ms == 0 ? 0 : source.live_begin();
  auto segment = std::lower_bound(segments.begin() + static_cast<ptrdiff_t>(std::min(first, segments.size())),
                                  segments.end(), listed ? next : 0,
                                  [](const Segment& one, uint64_t msn) { return one.record.msn < msn; });
  for (; segment != segments.end() && segment->record.msn < until; ++segment) {
    // What was told of it, and not finished.
    const auto open = index_.open_segment();
    if (open && open->record.msn == segment->record.msn && open->record.length > 0)
      keep(writing_ && at_ == open->record.msn ? Unlisted::Kind::growing : Unlisted::Kind::cut, open->record,
           segment->record);
    complete_parts(segment->record.msn, source);
    index_.mirror(source, *segment, nullptr);
  }
}

}  // namespace headgate::playlist

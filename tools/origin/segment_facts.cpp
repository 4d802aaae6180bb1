// SPDX-License-Identifier: LGPL-2.1-or-later
#include "segment_facts.h"

#include <playlist/stream_index.h>
#include <store/told_parts.h>

#include <cstdlib>

namespace headgate::origin {

using playlist::SegmentFacts;
using playlist::SegmentRecord;

uint32_t audio_timescale(const fmp4::Source& file) {
  const auto init = fmp4::read_init(file);
  return init && init->presentation.audio ? init->presentation.audio->timescale : 0;
}

Result<SegmentFacts> read_facts(const fmp4::Source& file, const SegmentRecord& segment, uint32_t timescale) {
  const auto view = fmp4::read_segment(file, segment.offset, segment.length);
  if (!view) return Unexpected(view.error());
  SegmentFacts facts;
  facts.offset = segment.offset;
  // A segment has at most kMaxRangeBytes.
  facts.video_bytes = static_cast<uint32_t>(view->video.bytes);
  facts.audio_bytes = static_cast<uint32_t>(view->audio.bytes);
  if (view->key_frame.length > 0) {
    facts.key_offset = static_cast<uint32_t>(view->key_frame.offset - segment.offset);
    facts.key_length = static_cast<uint32_t>(view->key_frame.length);
  }
  // Times that cannot be are none.
  constexpr int64_t kMaxSeconds = playlist::kMaxTime / playlist::kTimescale;
  if (view->audio.bytes == 0 || timescale == 0 || view->audio.end / timescale > kMaxSeconds) return facts;
  facts.audio_timescale = timescale;
  facts.audio_start = view->audio.start;
  facts.audio_end = view->audio.end;
  if (facts.audio_start < 0 || facts.audio_end < facts.audio_start) return facts;
  const int64_t begin = fmp4::to_part_ticks(facts.audio_start, timescale);
  const int64_t end = fmp4::to_part_ticks(facts.audio_end, timescale);
  if (std::abs(end - begin - segment.duration) > playlist::kFrameTicks)
    facts.told = static_cast<uint32_t>(store::told_before_end(file, segment, {begin, end}));
  return facts;
}

}  // namespace headgate::origin

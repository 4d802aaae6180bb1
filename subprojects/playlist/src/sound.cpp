// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sound.h"

#include <algorithm>

namespace headgate::playlist {
namespace {

bool time(int64_t value) {
  return value >= -kMaxTime && value <= kMaxTime;
}
bool duration(int64_t value) {
  return value >= 0 && value <= kMaxDuration;
}
bool range(uint64_t offset, uint64_t length) {
  return offset <= kMaxNumber && length <= kMaxBytes;
}

bool good(const RunRecord& run) {
  return run.first_msn <= kMaxNumber && run.discontinuity_sequence <= kMaxNumber && time(run.utc_us) &&
         run.max_segment_ms <= kMaxSegmentMs && run.max_part_ms <= kMaxSegmentMs && time(run.dated_from_us);
}
bool good(const InitRecord& init) {
  return range(init.offset, init.length);
}
bool good(const PartRecord& part) {
  return part.msn <= kMaxNumber && range(part.offset, part.length) && time(part.pts) &&
         duration(part.duration) && time(part.utc_us) &&
         std::all_of(part.chunks.begin(), part.chunks.end(),
                     [](const ChunkRange& chunk) { return range(chunk.offset, chunk.length); });
}
bool good(const SegmentRecord& segment) {
  return segment.msn <= kMaxNumber && range(segment.offset, segment.length) && time(segment.pts) &&
         duration(segment.duration) && time(segment.utc_us);
}
bool good(const GapRecord& gap) {
  return time(gap.from_pts) && time(gap.to_pts) && time(gap.from_utc_us) && time(gap.to_utc_us);
}
bool good(const EndRecord&) {
  return true;
}
bool good(const RenditionRecord& rendition) {
  return rendition.state <= RenditionState::paused;
}

}  // namespace

bool sound(const Record& record) {
  return std::visit([](const auto& what) { return good(what); }, record);
}

}  // namespace headgate::playlist

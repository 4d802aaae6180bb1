// SPDX-License-Identifier: LGPL-2.1-or-later
// Parts, and whether they are what their segment is (draft-pantos-hls-rfc8216bis-22, 3.2 and 4.4.4.9).
#include <algorithm>

#include <conformance/segment_checker.h>

#include "text.h"

namespace headgate::conformance {

SegmentChecker::Sums SegmentChecker::sums_of(const MediaSegment& media) {
  Sums sums;
  for (const TrackFragment& fragment : media.fragments) {
    auto [at, is_new] = sums.try_emplace(fragment.track_id);
    Sum& sum = at->second;
    if (is_new) sum.begin = fragment.decode_time;
    sum.samples += fragment.samples;
    sum.bytes += fragment.bytes;
    sum.duration += fragment.duration;
  }
  return sums;
}

Findings SegmentChecker::take_part(const Segment& parent, size_t index, Bytes bytes) {
  Findings findings;
  if (index >= parent.parts.size() || !readable(parent, bytes, findings)) return findings;
  const Part& part = parent.parts[index];
  const std::string name = of_segment(parent) + "'s part " + std::to_string(index);
  const MediaInit& init = *init_of(parent);
  auto media = read_media_segment(bytes, init);
  if (!media) {
    add(findings, "segment-format", part.line, name + ": " + media.error().message);
    return findings;
  }
  for (const std::string& fault : media->faults)
    add(findings, "segment-format", part.line, name + ": " + fault);
  const bool with_video = std::any_of(init.tracks.begin(), init.tracks.end(),
                                      [](const MediaTrack& track) { return track.kind == TrackKind::video; });
  bool independent = !with_video, begins = !with_video;
  for (const TrackFragment& fragment : media->fragments) {
    if (init.find(fragment.track_id)->kind != TrackKind::video) continue;
    // The bytes decide; where they cannot be read, what is flagged.
    independent = independent || fragment.sync_samples > fragment.untrue_sync_samples ||
                  fragment.first_is_random_access.value_or(false);
    begins = begins || (fragment.first_is_sync && fragment.first_is_random_access.value_or(true));
  }
  if (part.independent && !independent)
    add(findings, "part-independent", part.line, name + " has no key frame");
  if (!part.independent && begins) add(findings, "part-unmarked", part.line, name + " is not marked");

  Parts& parts = parts_[parent.msn];
  if (parts.count == index) {
    ++parts.count;
    for (const auto& [id, sum] : sums_of(*media)) {
      auto [at, is_new] = parts.sums.try_emplace(id, sum);
      if (is_new) continue;
      at->second.samples += sum.samples;
      at->second.bytes += sum.bytes;
      at->second.duration += sum.duration;
    }
  }
  if (parts_.size() > kMaxPartsKept) parts_.erase(parts_.begin());
  return findings;
}

void SegmentChecker::compare_parts(const Segment& segment, const MediaSegment& media, Findings& findings) {
  auto parts = parts_.find(segment.msn);
  if (parts == parts_.end()) return;
  if (parts->second.count > 0 && parts->second.count == segment.parts.size() &&
      parts->second.sums != sums_of(media))
    add(findings, "part-media", segment.line,
        of_segment(segment) + " and its " + std::to_string(parts->second.count) +
            " parts hold different samples");
  parts_.erase(parts_.begin(), std::next(parts));
}

}  // namespace headgate::conformance

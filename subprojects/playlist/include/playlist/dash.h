// SPDX-License-Identifier: LGPL-2.1-or-later
// DASH manifests (ISO/IEC 23009-1) as text, computed from a StreamIndex and what the segments' boxes say.
// Pure: the same arguments give the same bytes.
//
// A Period for each discontinuity, numbered as HLS numbers them. Periods stand where the stream's timeline
// has them: @start is the first segment's time on it, @presentationTimeOffset the same in the track's own
// timescale, so that a media time never means another presentation time, whatever has left the manifest.
// availabilityStartTime is the wall clock at the timeline's zero. Video and audio are the views of hls.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <playlist/stream_index.h>
#include <playlist/track_facts.h>

namespace headgate::playlist {

// A rendition made from the stream: video alone, with the stream's own numbers and discontinuities. A Period
// has it with the segments that lie without a hole before its end, or before the kDashBehind last ones, which
// it has not yet; not at all when there are none: it is not being made.
struct DashRendition {
  std::string name;  // its folder under DashSettings::base
  const StreamIndex* index = nullptr;
};
inline constexpr size_t kDashBehind = 2;

struct DashSettings {
  bool everything = false;  // all segments; otherwise those that a live playlist lists
  bool ended = false;       // static: nothing will follow
  int64_t zero_utc_us = 0;  // wall clock at the timeline's zero; the same for a stream as long as it can be
  std::string base{};       // of all segments' names: "../../hls/42/"
  std::vector<DashRendition> renditions{};
};

// Without any segment there is nothing to list: empty text. Otherwise all but the end, which tells the time.
std::string dash_manifest(const StreamIndex& index, const TrackFacts& facts, const DashSettings& settings);
// What goes behind it, when it is sent.
std::string dash_end(int64_t now_utc_us);

// The wall clock at the timeline's zero as the newest segment has it; runs differ by parts of a second.
int64_t timeline_zero_utc_us(const StreamIndex& index);

}  // namespace headgate::playlist

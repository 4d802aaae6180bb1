// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/storyboard.h>

#include <algorithm>
#include <cstdio>

#include "text.h"

namespace headgate::playlist {
namespace {

// hours:minutes:seconds.milliseconds (WebVTT, 4.1).
std::string timestamp(int64_t ticks) {
  const int64_t ms = ticks * 1000 / kTimescale;
  char text[48];
  std::snprintf(text, sizeof text, "%02lld:%02d:%02d.%03d", static_cast<long long>(ms / 3'600'000),
                static_cast<int>(ms / 60'000 % 60), static_cast<int>(ms / 1000 % 60),
                static_cast<int>(ms % 1000));
  return text;
}

}  // namespace

std::string picture_uri(uint64_t msn) {
  return std::to_string(msn) + ".jpg";
}

std::string picture_playlist(const StreamIndex& pictures, PlaylistType type, bool ended) {
  const auto& all = pictures.segments();
  const size_t begin = type == PlaylistType::live ? pictures.live_begin() : 0;
  const bool any = std::any_of(all.begin() + static_cast<ptrdiff_t>(begin), all.end(),
                               [](const Segment& segment) { return segment.record.length > 0; });
  if (!any) return {};
  MediaPlaylistSettings settings;
  settings.type = type;
  settings.ended = ended;
  settings.pictures = true;
  return media_playlist(pictures, settings);
}

std::string picture_variant(const StreamIndex& stream, const StreamIndex& pictures, const std::string& uri) {
  uint64_t peak = 0, bytes = 0;
  int64_t ticks = 0;
  for (const Segment& segment : pictures.segments()) {
    const SegmentRecord& record = segment.record;
    const Segment* of_stream = record.length > 0 ? stream.find_segment(record.msn) : nullptr;
    if (of_stream == nullptr || of_stream->record.duration <= 0) continue;
    const int64_t lasts = of_stream->record.duration;
    peak = std::max(peak, record.length * 8 * kTimescale / static_cast<uint64_t>(lasts));
    bytes += record.length;
    ticks += lasts;
  }
  const InitRecord* init = pictures.newest_init();
  if (ticks == 0 || init == nullptr) return {};
  const uint64_t average = bytes * 8 * kTimescale / static_cast<uint64_t>(ticks);
  return "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=" + std::to_string(std::max<uint64_t>(peak, 1)) +
         ",AVERAGE-BANDWIDTH=" + std::to_string(std::max<uint64_t>(average, 1)) + ",CODECS=\"" +
         quotable(init->codecs) + "\",RESOLUTION=" + std::to_string(init->width) + "x" +
         std::to_string(init->height) + ",URI=\"" + quotable(uri) + "\"\n";
}

std::string storyboard(const StreamIndex& stream, const StreamIndex& pictures, const std::string& prefix) {
  std::string out = "WEBVTT\n";
  int64_t at = 0;
  for (const Segment& segment : stream.segments()) {
    const int64_t end = at + segment.record.duration;
    const Segment* picture = pictures.find_segment(segment.record.msn);
    if (picture != nullptr && picture->record.length > 0)
      out += "\n" + timestamp(at) + " --> " + timestamp(end) + "\n" + prefix +
             picture_uri(segment.record.msn) + "\n";
    at = end;
  }
  return out;
}

}  // namespace headgate::playlist

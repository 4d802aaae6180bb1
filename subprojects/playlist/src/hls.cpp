// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/hls.h>

#include <algorithm>
#include <cstdio>

#include "media_writer.h"
#include "text.h"

namespace headgate::playlist {
namespace {

// EXT-X-MAP in a playlist of whole segments (RFC 8216, 7).
constexpr char kHeader[] = "#EXTM3U\n#EXT-X-VERSION:6\n";

}  // namespace

std::string init_uri(const std::string& init_id) {
  return "init-" + escaped(init_id) + ".mp4";
}

std::string segment_uri(uint64_t msn) {
  return std::to_string(msn) + ".m4s";
}

std::string part_uri(uint64_t msn, uint32_t index) {
  return std::to_string(msn) + "." + std::to_string(index) + ".m4s";
}

std::string media_playlist(const StreamIndex& index, const MediaPlaylistSettings& settings) {
  const MediaWriter writer(index, settings);
  std::string out;
  const size_t skipped = writer.skipped();
  writer.head(out, skipped);
  writer.tail(out, writer.begin() + skipped);
  return out;
}

std::string multivariant_playlist(const StreamIndex& index, const MultivariantSettings& settings) {
  const InitRecord* init = index.newest_init();
  if (init == nullptr || index.segments().empty()) return {};
  std::string out = kHeader;
  out += "#EXT-X-STREAM-INF:BANDWIDTH=" + std::to_string(std::max(index.bandwidth(), 1u)) +
         ",AVERAGE-BANDWIDTH=" + std::to_string(std::max(index.average_bandwidth(), 1u));
  if (!init->codecs.empty()) out += ",CODECS=\"" + quotable(init->codecs) + "\"";
  if (init->width > 0 && init->height > 0)
    out += ",RESOLUTION=" + std::to_string(init->width) + "x" + std::to_string(init->height);
  if (init->frame_rate_milli > 0) {
    char rate[32];
    std::snprintf(rate, sizeof rate, ",FRAME-RATE=%.3f", init->frame_rate_milli / 1000.0);
    out += rate;
  }
  return out + "\n" + settings.media_uri + "\n";
}

}  // namespace headgate::playlist

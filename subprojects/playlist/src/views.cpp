// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/views.h>

#include <algorithm>
#include <optional>

#include "rates.h"
#include "text.h"
#include "view_duration.h"

namespace headgate::playlist {
namespace {

uint64_t bytes_of(const SegmentFacts& facts, View view) {
  switch (view) {
    case View::video:
      return facts.video_bytes;
    case View::audio:
      return facts.audio_bytes;
    case View::key_frames:
      return facts.key_length;
    case View::whole:
      break;
  }
  return uint64_t{facts.video_bytes} + facts.audio_bytes;
}

std::string rate_attributes(const Rates& rates) {
  return "BANDWIDTH=" + std::to_string(rates.peak) + ",AVERAGE-BANDWIDTH=" + std::to_string(rates.average);
}

std::string codecs_attribute(const std::string& codecs) {
  return codecs.empty() ? "" : ",CODECS=\"" + quotable(codecs) + "\"";
}

}  // namespace

Rates view_rates(const StreamIndex& index, const TrackFacts& facts, View view) {
  const auto of_segment = [&](const Segment& segment) -> std::optional<Counted> {
    const SegmentFacts* known = facts.find(segment.record);
    const uint64_t bytes = known != nullptr ? bytes_of(*known, view) : 0;
    if (bytes == 0) return std::nullopt;
    return Counted{bytes, view_duration(segment.record, known, view, index.target_seconds())};
  };
  double bytes = 0;
  int64_t duration = 0;
  for (const Segment& segment : index.segments()) {
    const std::optional<Counted> counted = of_segment(segment);
    if (!counted) continue;
    bytes += static_cast<double>(counted->bytes);
    duration += counted->duration;
  }
  const double average = bit_rate(bytes, duration);
  const double peak = peak_rate(index.segments(), index.target_seconds(), of_segment);
  return {clamp_rate(std::max(peak, average)), clamp_rate(average)};
}

// Both tracks: the video's comes first (InitRecord::codecs).
std::string view_codecs(const InitRecord& init, View view) {
  const bool video = init.width > 0, audio = init.channels > 0;
  if (view == View::whole) return init.codecs;
  if (view == View::audio ? !audio : !video) return {};
  if (!video || !audio) return init.codecs;
  const size_t comma = init.codecs.find(',');
  if (comma == std::string::npos) return init.codecs;
  return view == View::audio ? init.codecs.substr(comma + 1) : init.codecs.substr(0, comma);
}

std::string view_variants(const StreamIndex& index, const TrackFacts& facts, const ViewUris& uris) {
  const InitRecord* init = index.newest_init();
  if (init == nullptr || init->width == 0) return {};
  std::string out;
  const Rates audio = view_rates(index, facts, View::audio);
  if (audio.peak > 0 && init->channels > 0)
    out += "#EXT-X-STREAM-INF:" + rate_attributes(audio) + codecs_attribute(view_codecs(*init, View::audio)) +
           "\n" + uris.audio + "\n";
  const Rates key_frames = view_rates(index, facts, View::key_frames);
  if (key_frames.peak > 0)
    out += "#EXT-X-I-FRAME-STREAM-INF:" + rate_attributes(key_frames) +
           codecs_attribute(view_codecs(*init, View::video)) + ",RESOLUTION=" + std::to_string(init->width) +
           "x" + std::to_string(init->height) + ",URI=\"" + quotable(uris.key_frames) + "\"\n";
  return out;
}

}  // namespace headgate::playlist

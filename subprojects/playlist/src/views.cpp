// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/expected_rates.h>
#include <playlist/views.h>

#include "text.h"

namespace headgate::playlist {
namespace {

std::string rate_attributes(const Rates& rates) {
  return "BANDWIDTH=" + std::to_string(rates.peak) + ",AVERAGE-BANDWIDTH=" + std::to_string(rates.average);
}

std::string codecs_attribute(const std::string& codecs) {
  return codecs.empty() ? "" : ",CODECS=\"" + quotable(codecs) + "\"";
}

}  // namespace

Rates view_rates(const StreamIndex& index, const TrackFacts& facts, View view) {
  return ViewMeter(view).rates(index, facts);
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

std::string view_variants(const StreamIndex& index, const TrackFacts& facts, const ViewUris& uris, bool ended,
                          ViewMeters& meters) {
  const InitRecord* init = index.newest_init();
  if (init == nullptr || init->width == 0) return {};
  std::string out;
  const Rates audio = meters.rates(index, facts, View::audio);
  if (audio.peak > 0 && init->channels > 0)
    out += "#EXT-X-STREAM-INF:" + rate_attributes(ended ? audio : expected_rates(audio)) +
           codecs_attribute(view_codecs(*init, View::audio)) + "\n" + uris.audio + "\n";
  Rates key_frames = meters.rates(index, facts, View::key_frames);
  if (key_frames.peak > 0 && !ended)
    key_frames =
        expected_key_frame_rates(key_frames, expected_rates(meters.rates(index, facts, View::video)));
  if (key_frames.peak > 0)
    out += "#EXT-X-I-FRAME-STREAM-INF:" + rate_attributes(key_frames) +
           codecs_attribute(view_codecs(*init, View::video)) + ",RESOLUTION=" + std::to_string(init->width) +
           "x" + std::to_string(init->height) + video_range(init->transfer) + ",URI=\"" +
           quotable(uris.key_frames) + "\"\n";
  return out;
}

std::string view_variants(const StreamIndex& index, const TrackFacts& facts, const ViewUris& uris,
                          bool ended) {
  ViewMeters once;
  return view_variants(index, facts, uris, ended, once);
}

}  // namespace headgate::playlist

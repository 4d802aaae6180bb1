// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/expected_rates.h>
#include <playlist/multivariant.h>

#include <algorithm>
#include <cstdio>

#include "text.h"

namespace headgate::playlist {
namespace {

constexpr char kAudioGroup[] = "audio";

// A group's member has to be as good for all that name it; so there is one.
std::string audio_line(const AudioRendition& audio) {
  std::string out = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"" + std::string(kAudioGroup) +
                    "\",NAME=\"audio\",DEFAULT=YES,AUTOSELECT=YES";
  if (audio.channels > 0) out += ",CHANNELS=\"" + std::to_string(audio.channels) + "\"";
  return out + ",URI=\"" + quotable(audio.uri) + "\"\n";
}

std::string with(const std::string& codecs, const std::string& more) {
  return codecs.empty() || more.empty() ? codecs + more : codecs + "," + more;
}

uint32_t sum(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>(std::min<uint64_t>(uint64_t{a} + b, UINT32_MAX));
}

std::string stream_lines(const Variant& variant, const AudioRendition* audio) {
  const uint32_t peak = sum(variant.bandwidth, audio ? audio->bandwidth : 0);
  const uint32_t average = sum(variant.average_bandwidth, audio ? audio->average_bandwidth : 0);
  const std::string codecs = audio ? with(variant.codecs, audio->codecs) : variant.codecs;
  std::string out = "#EXT-X-STREAM-INF:BANDWIDTH=" + std::to_string(std::max(peak, 1u)) +
                    ",AVERAGE-BANDWIDTH=" + std::to_string(std::max(average, 1u));
  // One that has pictures of a codec that is not known yet would be taken for sound alone.
  if (!variant.codecs.empty()) out += ",CODECS=\"" + quotable(codecs) + "\"";
  if (variant.width > 0 && variant.height > 0)
    out += ",RESOLUTION=" + std::to_string(variant.width) + "x" + std::to_string(variant.height);
  if (variant.frame_rate_milli > 0 && variant.width > 0) {
    char rate[32];
    std::snprintf(rate, sizeof rate, ",FRAME-RATE=%.3f", variant.frame_rate_milli / 1000.0);
    out += rate;
  }
  if (variant.width > 0) out += video_range(variant.transfer);
  if (audio) out += ",AUDIO=\"" + std::string(kAudioGroup) + "\"";
  return out + "\n" + variant.uri + "\n";
}

}  // namespace

std::string multivariant_playlist(const Multivariant& renditions) {
  if (renditions.variants.empty()) return {};
  const AudioRendition* audio = renditions.audio ? &*renditions.audio : nullptr;
  const bool grouped = audio && std::any_of(renditions.variants.begin(), renditions.variants.end(),
                                            [](const Variant& variant) { return variant.takes_audio; });
  // EXT-X-MAP in playlists of whole segments (RFC 8216, 7).
  std::string out = "#EXTM3U\n#EXT-X-VERSION:6\n";
  if (grouped) out += audio_line(*audio);
  for (const Variant& variant : renditions.variants)
    out += stream_lines(variant, variant.takes_audio ? audio : nullptr);
  return out + renditions.more;
}

std::optional<Variant> variant_of(const StreamIndex& index, const std::string& uri, bool ended) {
  const InitRecord* init = index.newest_init();
  if (init == nullptr || index.segments().empty()) return std::nullopt;
  const Rates seen{index.bandwidth(), index.average_bandwidth()};
  const Rates said = ended ? seen : expected_rates(seen);
  return Variant{.uri = uri,
                 .bandwidth = said.peak,
                 .average_bandwidth = said.average,
                 .codecs = init->codecs,
                 .width = init->width,
                 .height = init->height,
                 .frame_rate_milli = init->frame_rate_milli,
                 .transfer = init->transfer};
}

std::optional<Variant> variant_of(const RenditionIndex& rung, const std::string& uri, bool ended) {
  const auto& told = rung.told();
  if (!told && !rung.has_media()) return std::nullopt;
  // Where a rate is promised there is nothing to be expected by what was seen.
  const bool is_promised = told && told->bandwidth > 0;
  Variant out = variant_of(rung.index(), uri, is_promised || ended).value_or(Variant{.uri = uri});
  if (told) {
    if (!ended || out.bandwidth == 0) {
      out.bandwidth = std::max(out.bandwidth, told->bandwidth);
      out.average_bandwidth = std::max(out.average_bandwidth, told->average_bandwidth);
    }
    if (out.codecs.empty()) out.codecs = told->codecs;
    if (out.width == 0) out.width = told->width, out.height = told->height;
    if (out.frame_rate_milli == 0) out.frame_rate_milli = told->frame_rate_milli;
  }
  return out;
}

}  // namespace headgate::playlist

// SPDX-License-Identifier: LGPL-2.1-or-later
// HLS multivariant playlists (RFC 8216, 4.3.4) as text: what a stream's renditions are. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <playlist/rendition_index.h>
#include <playlist/stream_index.h>

namespace headgate::playlist {

// One rendition as players choose it.
struct Variant {
  std::string uri;                                // of its media playlist
  uint32_t bandwidth = 0, average_bandwidth = 0;  // bit/s, of its own media
  std::string codecs{};                           // likewise; empty: not known
  uint32_t width = 0, height = 0;                 // 0: no picture
  uint32_t frame_rate_milli = 0;                  // 0: not known
  uint32_t transfer = 0;                          // as InitRecord has it
  bool takes_audio = false;                       // it has none of its own: Multivariant::audio goes with it
};

// The audio that goes with variants that have none.
struct AudioRendition {
  std::string uri{};
  uint32_t bandwidth = 0, average_bandwidth = 0;
  std::string codecs{};
  uint32_t channels = 0;  // 0: not known
};

struct Multivariant {
  std::vector<Variant> variants{};  // the first is what a player begins with
  std::optional<AudioRendition> audio{};
  std::string more{};  // lines behind them: views.h
};

// BANDWIDTH, AVERAGE-BANDWIDTH and CODECS of a variant that takes audio are with it. Without a variant there
// is nothing to list: empty text.
std::string multivariant_playlist(const Multivariant& renditions);

// What an index says of its rendition: codecs and picture of its newest init segment, rates of its segments,
// or, unless it has `ended`, what is expected by them (expected_rates.h). Nothing: it has no segment yet.
std::optional<Variant> variant_of(const StreamIndex& index, const std::string& uri, bool ended);
// Of a ladder's rung: what its encoder promises, and what was measured where that is more; that alone if it
// has `ended` and there is any of it. Nothing: neither is there.
std::optional<Variant> variant_of(const RenditionIndex& rung, const std::string& uri, bool ended);

}  // namespace headgate::playlist

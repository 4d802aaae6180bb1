// SPDX-License-Identifier: LGPL-2.1-or-later
// What a multivariant playlist says of a stream's views: its audio alone, its key frames. Pure functions.
#pragma once

#include <cstdint>
#include <string>

#include <playlist/hls.h>
#include <playlist/view_meter.h>

namespace headgate::playlist {

// Of the index's segments whose facts are known; none: zeros.
Rates view_rates(const StreamIndex& index, const TrackFacts& facts, View view);

// The part of InitRecord::codecs that is the view's; empty: it has none.
std::string view_codecs(const InitRecord& init, View view);

struct ViewUris {
  std::string audio = "audio.m3u8";
  std::string key_frames = "iframes.m3u8";
};
// Lines to go behind the variants of multivariant_playlist(): an audio-only variant (not for a stream that
// has no video: it is one) and an EXT-X-I-FRAME-STREAM-INF. Each only when its rate is known.
// `ended`: nothing will follow, and rates are what they were, not what is expected (expected_rates.h).
// `meters`: of the same index and facts.
std::string view_variants(const StreamIndex& index, const TrackFacts& facts, const ViewUris& uris, bool ended,
                          ViewMeters& meters);
// Likewise, by whoever asks once.
std::string view_variants(const StreamIndex& index, const TrackFacts& facts, const ViewUris& uris,
                          bool ended);

}  // namespace headgate::playlist

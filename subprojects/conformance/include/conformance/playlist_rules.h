// SPDX-License-Identifier: LGPL-2.1-or-later
// What a playlist must fulfil by itself, whatever came before (draft-pantos-hls-rfc8216bis-22, 4.4 and 6.2).
#pragma once

#include <conformance/m3u8.h>

namespace headgate::conformance {

// Dates that differ less from media times than this are told by nobody.
inline constexpr Micros kDateSlack = kSecond / 2;
// Parts' durations are written with some digits; and PART-TARGET with as many.
inline constexpr Micros kPartSlack = 1'000;
// Likewise the sum of a segment's.
inline constexpr Micros kPartSumSlack = 50'000;
// Of PART-TARGET, that each part but a segment's last has (4.4.4.9).
inline constexpr Micros kLeastPartPercent = 85;

// Not for delta updates: merge them first (playlist_history.h).
Findings check_media_playlist(const MediaPlaylist& playlist);
Findings check_multivariant_playlist(const MultivariantPlaylist& playlist);

}  // namespace headgate::conformance

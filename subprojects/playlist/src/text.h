// SPDX-License-Identifier: LGPL-2.1-or-later
// Pieces of playlists and manifests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::playlist {

// A quoted string's inside (RFC 8216, 4.2): without quotes and control characters.
std::string quotable(std::string_view text);
// A path inside a URI: everything that could end it, or end the line or quotes it stands in, is escaped.
std::string escaped(std::string_view path);
// ISO 8601 in UTC with milliseconds, of the years 0 to 9999.
std::string date_time(int64_t utc_us);
// Ticks of kTimescale, not negative, as seconds with six digits.
std::string seconds(int64_t ticks);
// ",VIDEO-RANGE=…" of a variant (RFC 8216bis, 4.4.6.2), with InitRecord::transfer. Of SDR, and of what is not
// known, which players take for that, nothing.
std::string video_range(uint32_t transfer);

}  // namespace headgate::playlist

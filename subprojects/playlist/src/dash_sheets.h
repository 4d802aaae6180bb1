// SPDX-License-Identifier: LGPL-2.1-or-later
// The sheets of small pictures in a DASH manifest: a track of tiles (DASH-IF IOP 4.3, 6.2.6).
#pragma once

#include <span>
#include <string>

#include <playlist/stream_index.h>

namespace headgate::playlist {

// The pictures' folder under DashSettings::base.
inline constexpr char kDashPictures[] = "pictures";

// AdaptationSet of a Period, of whose segments (numbered without a hole) `period` are: those sheets of
// `pictures` that are complete, all of whose segments the Period has, that have tiles of one size and follow
// one another up to the newest such. Others cannot be told: tiles lie evenly in a sheet's time, and $Number$
// knows no holes. Empty: there is no such sheet.
std::string dash_sheets(const StreamIndex& pictures, std::span<const Segment* const> period);

}  // namespace headgate::playlist

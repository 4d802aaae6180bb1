// SPDX-License-Identifier: LGPL-2.1-or-later
// What playlists and manifests say of the bit rates of media that go on. Of a stream that has ended it is
// what its segments have had; before, nobody knows, and what is said "SHOULD be the BANDWIDTH value of a
// representative period of similar content" (RFC 8216bis, 4.4.6.2): what was seen so far, and some more,
// because players read it once, perhaps when there is a single segment, and hold all that follows against it.
// Pure functions.
#pragma once

#include <playlist/view_meter.h>

namespace headgate::playlist {

// How much more. Apple's authoring specification (1.28, 1.29) allows a live stream a peak of 125 % of
// BANDWIDTH, and over an hour an average of 110 % of AVERAGE-BANDWIDTH: as much is added.
inline constexpr double kPeakRoom = 1.25, kAverageRoom = 1.10;
// To a peak of key frames, or of small pictures: an encoder is held to a rate for all pictures together, and
// the size of those goes with what is seen.
inline constexpr double kKeyFrameRoom = 2.00;

// bit/s, as `seen`; the average is no more than the peak. Nothing seen: zeros.
Rates expected_rates(const Rates& seen);
// Of key frames. `whole`: what is said of all pictures, which have those among them; zeros: not known.
Rates expected_key_frame_rates(const Rates& seen, const Rates& whole = {});

}  // namespace headgate::playlist

// SPDX-License-Identifier: LGPL-2.1-or-later
// What NAL units of a byte stream are to a demultiplexer (ITU-T H.264 and H.265, 7.4).
#pragma once

#include <base/bytes.h>
#include <codec/track.h>

namespace headgate::mpegts {

// Bytes of a NAL unit that starts_unit() looks at.
inline constexpr size_t kNalPeekBytes = 3;

bool is_delimiter(codec::Codec codec, Bytes nal);
// Cannot belong to an access unit of which a slice was seen before (H.264, 7.4.1.2.3 and 7.4.1.2.4; H.265,
// 7.4.2.4.4). A slice begins one if it is its picture's first.
bool starts_unit(codec::Codec codec, Bytes nal);
// What MP4 does not keep with the unit: parameter sets, delimiters, filler.
bool is_left_out(codec::Codec codec, Bytes nal);

}  // namespace headgate::mpegts

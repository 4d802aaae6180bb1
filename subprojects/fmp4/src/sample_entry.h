// SPDX-License-Identifier: LGPL-2.1-or-later
// stsd entries: avc1 (ISO/IEC 14496-15, 5.4.2.1) and mp4a (14496-14, 5.6), written and read back.
#pragma once

#include <base/bytes.h>
#include <base/result.h>
#include <codec/track.h>

namespace headgate::fmp4 {

Result<void> write_sample_entry(ByteWriter& out, const codec::Track& track);
// `entry` is one whole box. The track's timescale is its codec's default, for the caller to replace.
Result<codec::Track> read_sample_entry(Bytes entry);

}  // namespace headgate::fmp4

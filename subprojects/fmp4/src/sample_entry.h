// SPDX-License-Identifier: LGPL-2.1-or-later
// stsd entries, written and read back: avc1 and hvc1 (ISO/IEC 14496-15, 5.4.2.1 and 8.4.1.1), av01
// (AV1-ISOBMFF, 2.2), vp09 (VP-codec-ISOBMFF), mp4a (14496-14, 5.6), Opus (Opus-in-ISOBMFF, 4.3.1), ac-3 and
// ec-3 (ETSI TS 102 366, F.3 and F.5), fLaC (FLAC-in-ISOBMFF, 3.3.1).
#pragma once

#include <base/bytes.h>
#include <base/result.h>
#include <codec/track.h>

namespace headgate::fmp4 {

// Error: a track without what an entry needs.
Result<void> write_sample_entry(ByteWriter& out, const codec::Track& track);
// `entry` is one whole box. The track's timescale is its codec's default, for the caller to replace.
Result<codec::Track> read_sample_entry(Bytes entry);

}  // namespace headgate::fmp4

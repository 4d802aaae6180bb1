// SPDX-License-Identifier: LGPL-2.1-or-later
// esds: what a decoder of AAC is told (ISO/IEC 14496-1, 7.2.6; 14496-14, 5.6).
#pragma once

#include <base/bytes.h>
#include <base/result.h>
#include <codec/track.h>

namespace headgate::fmp4 {

void write_esds(ByteWriter& out, Bytes asc);
// `esds` is the box's body.
Result<codec::Track> read_esds(Bytes esds);

}  // namespace headgate::fmp4

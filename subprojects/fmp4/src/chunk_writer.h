// SPDX-License-Identifier: LGPL-2.1-or-later
// One moof and the header of its mdat (ISO/IEC 14496-12, 8.8.4 to 8.8.8; ISO/IEC 23000-19, 7.5.15 to 7.5.18).
#pragma once

#include <cstdint>
#include <span>

#include <base/bytes.h>
#include <fmp4/packager.h>

namespace headgate::fmp4 {

// Appends to `out`. Every unit but the last lasts until the next one's DTS, the last one `last_duration`
// ticks. The units' payload follows the written bytes.
void write_chunk_header(ByteVector& out, uint32_t sequence, uint32_t track_id,
                        std::span<const AccessUnit> units, uint32_t last_duration);

}  // namespace headgate::fmp4

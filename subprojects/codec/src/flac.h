// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include <base/bytes.h>

namespace headgate::codec {

// Of a FLAC frame (RFC 9639, 9.1); 0: no frame header.
uint32_t flac_frame_samples(Bytes frame);

}  // namespace headgate::codec

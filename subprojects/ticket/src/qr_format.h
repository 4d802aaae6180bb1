// SPDX-License-Identifier: LGPL-2.1-or-later
// Offsets of the QR blob, and its seal, for the issuer and the reader.
#pragma once

#include "crypto.h"

namespace headgate::ticket {

inline constexpr size_t kHeadSize = 20;  // ver, kid, seal, fleet, tid
inline constexpr size_t kTidOffsetInWire = 2;
inline constexpr size_t kWireAfterTid = 18;                           // W[18..120) opens the body
inline constexpr size_t kBodyWireSize = kWireSize - kWireAfterTid;    // 102
inline constexpr size_t kMinBodySize = kBodyWireSize + sizeof(Seed);  // without hints

// tid || head[0..4) || "LT1\0": unique as long as no tid is sealed twice, which the issuer refuses.
Nonce seal_nonce(Bytes head);

}  // namespace headgate::ticket

// SPDX-License-Identifier: LGPL-2.1-or-later
// What we say of samples (ISO/IEC 14496-12, 8.8.3.1), and the flag bits of tfhd and trun (8.8.7, 8.8.8).
#pragma once

#include <cstdint>

namespace headgate::fmp4 {

inline constexpr uint32_t kSyncSample = 0x02000000;     // depends on no other
inline constexpr uint32_t kNonSyncSample = 0x01010000;  // depends on others, is not a sync sample
inline constexpr uint32_t kNonSyncBit = 0x00010000;

inline constexpr uint32_t kTfhdBaseDataOffset = 0x000001;
inline constexpr uint32_t kTfhdSampleDescription = 0x000002;
inline constexpr uint32_t kTfhdDuration = 0x000008;
inline constexpr uint32_t kTfhdSize = 0x000010;
inline constexpr uint32_t kTfhdFlags = 0x000020;
inline constexpr uint32_t kTfhdBaseIsMoof = 0x020000;

inline constexpr uint32_t kTrunDataOffset = 0x000001;
inline constexpr uint32_t kTrunFirstFlags = 0x000004;
inline constexpr uint32_t kTrunDuration = 0x000100;
inline constexpr uint32_t kTrunSize = 0x000200;
inline constexpr uint32_t kTrunFlags = 0x000400;
inline constexpr uint32_t kTrunComposition = 0x000800;

}  // namespace headgate::fmp4

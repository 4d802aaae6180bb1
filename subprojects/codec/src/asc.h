// SPDX-License-Identifier: LGPL-2.1-or-later
// AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) of the AAC object types.
#pragma once

#include <cstdint>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::codec {

inline constexpr unsigned kAacMain = 1, kAacLc = 2, kAacSsr = 3, kAacLtp = 4, kSbr = 5, kPs = 29;

struct Asc {
  unsigned object_type = 0;       // as signalled first: 5 and 29 for hierarchical HE-AAC
  unsigned core_object_type = 0;  // what the core is coded in
  uint32_t core_rate = 0;
  uint32_t output_rate = 0;
  unsigned channel_configuration = 0;  // 0: as a program config element says
  unsigned channels = 0;               // as decoded
  unsigned frame_samples = 0;
};

Result<Asc> parse_asc(Bytes asc);

}  // namespace headgate::codec

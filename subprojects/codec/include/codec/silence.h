// SPDX-License-Identifier: LGPL-2.1-or-later
// An access unit of silence, made without an encoder.
#pragma once

#include <optional>

#include <base/bytes.h>
#include <codec/track.h>

namespace headgate::codec {

struct SilentFrame {
  ByteVector data;       // one access unit, as fmp4::AccessUnit has it
  uint32_t samples = 0;  // that it lasts, in the track's timescale
};
// As `track`'s decoder configuration wants it. AAC whose core is Low Complexity in one of the channel
// configurations 1 to 7 (ISO/IEC 14496-3, table 1.19), with SBR and PS left as they are; Opus of one or two
// channels (mapping family 0). Nothing for all else.
std::optional<SilentFrame> silent_frame(const Track& track);

}  // namespace headgate::codec

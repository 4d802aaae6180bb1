// SPDX-License-Identifier: LGPL-2.1-or-later
// How audio frames are recognised in a byte stream, by codec: ADTS (ISO/IEC 14496-3, 1.A.3.2), Opus in
// MPEG-TS (draft ETSI TS, 2013, 6), AC-3 and E-AC-3 (ETSI TS 102 366).
#pragma once

#include <array>
#include <cstdint>

#include <base/bytes.h>
#include <base/result.h>
#include <codec/track.h>

namespace headgate::mpegts {

struct AudioFrame {
  size_t bytes = 0;   // all of it
  size_t header = 0;  // of them, which are not given on
  uint32_t samples = 0;
};

enum class Found {
  frame,
  more,     // too little is there to say
  nothing,  // no frame begins here
};

// What begins with the first byte of `data`. A frame's bytes need not all be there, except where its length
// stands in what follows it: `final` says that nothing follows `data`.
Found find_audio_frame(codec::Codec codec, Bytes data, bool final, AudioFrame& frame);

// The byte with which every frame begins.
std::byte first_byte(codec::Codec codec);

// What of a frame tells that its configuration is another: equal marks, equal configurations.
using ConfigMark = std::array<std::byte, 8>;
ConfigMark config_mark(codec::Codec codec, Bytes frame);

// Of a whole frame.
Result<codec::Track> describe_audio(codec::Codec codec, Bytes frame, uint8_t opus_channels);

}  // namespace headgate::mpegts

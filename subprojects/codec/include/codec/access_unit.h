// SPDX-License-Identifier: LGPL-2.1-or-later
// What an access unit says of itself.
#pragma once

#include <cstdint>

#include <base/bytes.h>
#include <codec/track.h>

namespace headgate::codec {

// How decoding can begin at an access unit.
enum class Entry : uint8_t {
  unknown,  // it has no picture that is found: nothing can be said
  none,     // not here
  gradual,  // H.264: here, and right some frames later, as a recovery point SEI message says (H.264, D.2.8)
  open,     // H.264: likewise, and right at once
  key,      // H.264 IDR, H.265 IRAP (IDR, BLA, CRA), an AV1 temporal unit or a VP9 frame that begins with a
            // shown key frame; any of audio
};
// H.264 and H.265 behind lengths of `length_size` bytes (nal_length_size()); other codecs have none. Looks at
// the headers of the NAL units up to the first slice, and at SEI messages as recovery_point() does.
Entry entry_of(Codec codec, unsigned length_size, Bytes access_unit);
// entry_of() is open or key; H.264 and H.265 with length prefixes as in `track`'s record.
bool is_key(const Track& track, Bytes access_unit);
// Of an H.264 SEI NAL unit's first kMaxSeiBytes: none, gradual or open. none of any other NAL unit.
inline constexpr size_t kMaxSeiBytes = 1024;
Entry recovery_point(Bytes nal);
// The same of one NAL unit: H.264 nal_unit_type 5, H.265 16 to 23.
bool is_key_nal(Codec codec, Bytes nal);

// Samples at `track`'s timescale: its frame_samples, or what the access unit says. 0: it does not, or is no
// such access unit. Never more than kMaxFrameSamples.
inline constexpr uint32_t kMaxFrameSamples = 65536;
uint32_t frame_samples(const Track& track, Bytes access_unit);
// An Opus packet's samples at 48 kHz (RFC 6716, 3.1 and 3.2); 0: no packet, or longer than the 120 ms
// allowed.
uint32_t opus_packet_samples(Bytes packet);

// An AV1 temporal unit without the temporal delimiter that it may begin with, which MP4 does not store
// (AV1-ISOBMFF, 2.4).
Bytes without_temporal_delimiter(Bytes temporal_unit);

}  // namespace headgate::codec

// SPDX-License-Identifier: LGPL-2.1-or-later
// What is known of one elementary stream: enough to write its sample entry and its CODECS string. Values come
// from the decoder configuration record itself, never from a container's or a caps' claim.
#pragma once

#include <cstdint>
#include <string>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::codec {

enum class Codec : uint8_t { h264 = 1, h265 = 2, av1 = 3, aac = 16, opus = 17 };
enum class Kind : uint8_t { video, audio };

struct Track {
  Codec codec = Codec::h264;
  Kind kind = Kind::video;
  uint32_t timescale = 90000;  // ticks per second; audio: the sample rate (AAC with SBR: the core's)
  // AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1), HEVCDecoderConfigurationRecord, av1C,
  // AudioSpecificConfig (14496-3, 1.6.2.1), or dOps, by codec.
  ByteVector config;
  uint32_t width = 0, height = 0;          // video: as displayed, in pixels (cropped)
  uint32_t frame_rate_milli = 0;           // video: frames per 1000 s where fixed by the SPS; 0: not known
  uint32_t sample_rate = 0, channels = 0;  // audio: as decoded
  uint32_t frame_samples = 0;  // audio: samples of one access unit at `timescale` (AAC: 1024 or 960)

  bool operator==(const Track&) const = default;
};

inline constexpr size_t kMaxConfigBytes = 4096;

// Errors say what is wrong with the record ("avcC: SPS 0: …").
Result<Track> track_from_avcc(Bytes avcc);
Result<Track> track_from_asc(Bytes asc);

// RFC 6381: "avc1.64001f", "mp4a.40.2". Empty for a codec that none of the above reads.
std::string codecs_string(const Track& track);

}  // namespace headgate::codec

// SPDX-License-Identifier: LGPL-2.1-or-later
// What is known of one elementary stream: enough to write its sample entry and its CODECS string. Values come
// from the decoder configuration record itself, never from a container's or a caps' claim; what has no record
// is read from the stream by <codec/stream_config.h>.
#pragma once

#include <cstdint>
#include <string>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::codec {

enum class Codec : uint8_t {
  h264 = 1,
  h265 = 2,
  av1 = 3,
  vp9 = 4,
  mjpeg = 5,
  aac = 16,
  opus = 17,
  ac3 = 18,
  eac3 = 19,
  flac = 20
};
enum class Kind : uint8_t { video, audio };

// Coding-independent code points (ISO/IEC 23091-2); 2: not specified.
struct Colour {
  uint8_t primaries = 2, transfer = 2, matrix = 2;
  bool full_range = false;

  bool known() const { return primaries != 2 || transfer != 2 || matrix != 2; }
  bool operator==(const Colour&) const = default;
};

struct Track {
  Codec codec = Codec::h264;
  Kind kind = Kind::video;
  uint32_t timescale = 90000;  // ticks per second; audio: the sample rate (AAC with SBR: the core's)
  // By codec, as a sample entry's box has it (without box header, version and flags):
  //   h264  AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1)
  //   h265  HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1)
  //   av1   AV1CodecConfigurationRecord (AV1-ISOBMFF, 2.3.3), with its sequence header OBU
  //   vp9   VPCodecConfigurationRecord (VP-codec-ISOBMFF), 8 bytes
  //   mjpeg none: each picture says all of it
  //   aac   AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1)
  //   opus  OpusSpecificBox (Opus-in-ISOBMFF, 4.3.2)
  //   ac3, eac3  AC3SpecificBox, EC3SpecificBox (ETSI TS 102 366, F.4 and F.6)
  //   flac  one METADATA_BLOCK, the STREAMINFO (FLAC-in-ISOBMFF, 3.3.2), marked the last
  ByteVector config;
  uint32_t width = 0, height = 0;  // video: as displayed, in pixels (cropped)
  uint32_t frame_rate_milli = 0;   // video: frames per 1000 s where the parameter sets say; 0: not known
  Colour colour;                   // video: H.265, AV1, VP9
  uint32_t sample_rate = 0, channels = 0;  // audio: as decoded
  // Audio: samples of one access unit at `timescale` (AAC: 1024 or 960). 0: each says its own (Opus, and FLAC
  // of variable block size): frame_samples() in <codec/access_unit.h>.
  uint32_t frame_samples = 0;

  bool operator==(const Track&) const = default;
};

inline constexpr size_t kMaxConfigBytes = 4096;

// Errors say what is wrong with the record ("avcC: SPS 0: …").
Result<Track> track_from_avcc(Bytes avcc);
Result<Track> track_from_hvcc(Bytes hvcc);
// The sequence header OBU that AV1-ISOBMFF has in the record is required.
Result<Track> track_from_av1c(Bytes av1c);
// The record as such, as enhanced RTMP sends it, or with the box's version and flags before it. It has no
// size: 0 where that is not known, until a key frame tells (vp9_frame_size()).
Result<Track> track_from_vpcc(Bytes vpcc, uint32_t width, uint32_t height);
Result<Track> track_from_asc(Bytes asc);
Result<Track> track_from_dops(Bytes dops);
// The identification header of Ogg Opus (RFC 7845, 5.1), which enhanced RTMP and GStreamer use.
Result<Track> track_from_opus_head(Bytes head);
Result<Track> track_from_dac3(Bytes dac3);
Result<Track> track_from_dec3(Bytes dec3);
// "fLaC" with its STREAMINFO block, the block with its header, or the bare 34 bytes of it; blocks behind it
// are left out.
Result<Track> track_from_flac(Bytes header);

// Pictures as JPEG (ISO/IEC 23008-12, annex H).
Result<Track> mjpeg_track(uint32_t width, uint32_t height);

// RFC 6381 and each codec's own rule: "avc1.64001f", "hvc1.1.6.L93.B0", "av01.0.04M.08", "vp09.00.10.08",
// "mjpg", "mp4a.40.2", "opus", "ac-3", "ec-3", "fLaC".
std::string codecs_string(const Track& track);

}  // namespace headgate::codec

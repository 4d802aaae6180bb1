// SPDX-License-Identifier: LGPL-2.1-or-later
// Decoder configurations made from what stands in the stream itself: for MPEG-TS, which has no records, and
// for codecs that have none in enhanced RTMP or in GStreamer. Errors as in <codec/track.h>; nothing is kept
// of what is passed.
#pragma once

#include <optional>
#include <span>

#include <base/bytes.h>
#include <base/result.h>
#include <codec/track.h>

namespace headgate::codec {

// Whole NAL units with their header and emulation prevention, without start codes. At least one of each; the
// record is made with 4-byte lengths.
Result<Track> track_from_h264_sets(std::span<const Bytes> sps, std::span<const Bytes> pps);
Result<Track> track_from_h265_sets(std::span<const Bytes> vps, std::span<const Bytes> sps,
                                   std::span<const Bytes> pps);

// From a temporal unit (or any OBUs of the low-overhead format, AV1 5.2) that has a sequence header.
Result<Track> track_from_av1_obus(Bytes obus);

// From a key frame, or a superframe that begins with one. VP9 does not say its level: it is the lowest
// one that the size at `frame_rate_milli` needs (0: taken for 30 frames a second).
Result<Track> track_from_vp9_frame(Bytes frame, uint32_t frame_rate_milli = 0);
struct FrameSize {
  uint32_t width = 0, height = 0;
  bool operator==(const FrameSize&) const = default;
};
// Of a key frame; nothing for others, which may leave it to their references.
std::optional<FrameSize> vp9_frame_size(Bytes frame);

// ADTS (ISO/IEC 13818-7, 6.2; ISO/IEC 14496-3, 1.A.3.2). `header`: 7 bytes or more. A channel configuration
// of 0, whose channels stand in the frame, is refused.
Result<Track> track_from_adts(Bytes header);
struct AdtsFrame {
  size_t header_bytes = 0;  // 7, with a CRC 9
  size_t frame_bytes = 0;   // with the header
  unsigned raw_blocks = 0;  // raw_data_block()s in it, 1 to 4; senders of 1 are what players can read
};
std::optional<AdtsFrame> adts_frame(Bytes header);

// The Opus audio descriptor's channel_config_code of MPEG-TS (0: dual mono, 1 to 8: mapping family 0 or 1).
Result<Track> track_from_opus_channel_config(uint8_t code);
// As caps and SDP say it. Family 0: mono or stereo, and the rest is not looked at. `mapping`: `channels`
// long.
struct OpusLayout {
  uint8_t channels = 2;
  uint8_t family = 0;
  uint8_t streams = 1, coupled = 1;
  std::span<const uint8_t> mapping;
  uint16_t pre_skip = 0;  // samples at 48 kHz that a decoder drops at the beginning
};
Result<Track> track_from_opus_layout(const OpusLayout& layout);
// Back to what Ogg, GStreamer and enhanced RTMP want (RFC 7845, 5.1); empty for what is no Opus track.
ByteVector opus_head_of(const Track& track);

// From the header of a syncframe (ETSI TS 102 366, 4.3 and E.1.2); 8 bytes of AC-3 are enough. E-AC-3: a
// whole access unit tells of its dependent and further independent substreams too.
Result<Track> track_from_ac3_frame(Bytes frame);
Result<Track> track_from_eac3_frame(Bytes access_unit);
// Which of the two a syncframe is (bsid), how long it is, and what it carries; nothing: no syncframe.
struct Ac3Frame {
  Codec codec = Codec::ac3;
  size_t bytes = 0;
  uint32_t samples = 0;
  // Begins an access unit: AC-3 always, E-AC-3 where it is independent substream 0.
  bool begins_unit = true;
};
std::optional<Ac3Frame> ac3_frame(Bytes header);

// Of the codecs whose access units say it all: AV1, VP9 (key frames), AC-3, E-AC-3. Error: another codec, or
// an access unit that does not say it. `frame_rate_milli`: where it is known from elsewhere, else 0.
Result<Track> track_from_access_unit(Codec codec, Bytes access_unit, uint32_t frame_rate_milli = 0);

}  // namespace headgate::codec

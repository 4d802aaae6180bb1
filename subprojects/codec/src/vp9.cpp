// SPDX-License-Identifier: LGPL-2.1-or-later
// VPCodecConfigurationRecord (VP Codec ISO Media File Format Binding 1.0).
#include <array>

#include <codec/stream_config.h>
#include <codec/track.h>

#include "bits.h"
#include "sps.h"
#include "vp9_header.h"

namespace headgate::codec {
namespace {

constexpr size_t kRecordBytes = 8, kFullBoxFields = 4;

Unexpected wrong(const std::string& what) {
  return Unexpected("vpcC: " + what);
}

// color_space (7.2.2) in code points of ISO/IEC 23091-2, as the binding has them.
Colour colour_of(unsigned space) {
  switch (space) {
    case 1:  // BT.601
      return {6, 6, 6, false};
    case 2:  // BT.709
      return {1, 1, 1, false};
    case 3:  // SMPTE-170
      return {6, 6, 6, false};
    case 4:  // SMPTE-240
      return {7, 7, 7, false};
    case 5:  // BT.2020
      return {9, 14, 9, false};
    case 7:  // sRGB
      return {1, 13, 0, true};
    default:
      return {};
  }
}

// color_config() (6.2.2). False: what no profile allows.
bool read_colour(BitReader& reader, Vp9KeyFrame& frame) {
  constexpr unsigned kRgb = 7;
  if (frame.profile >= 2) frame.bit_depth = reader.flag() ? 12 : 10;
  const unsigned space = reader.bits(3);
  frame.colour = colour_of(space);
  const bool any_chroma = frame.profile == 1 || frame.profile == 3;
  if (space == kRgb) {
    frame.chroma = kVp9Chroma444;
    return any_chroma && !reader.flag();
  }
  frame.colour.full_range = reader.flag();
  if (!any_chroma) return true;
  const bool x = reader.flag(), y = reader.flag();
  // 4:4:0 has no value in vpcC; 4:2:0 belongs to the other profiles.
  if (!x && y) return false;
  if (x && y) return false;
  frame.chroma = x ? kVp9Chroma422 : kVp9Chroma444;
  return !reader.flag();
}

// The levels of the binding's table: the largest picture and the most luma samples a second of each.
unsigned level_of(uint64_t width, uint64_t height, uint32_t frame_rate_milli) {
  struct Level {
    unsigned value;
    uint64_t rate, picture, dimension;
  };
  constexpr std::array<Level, 14> kLevels{{{10, 829440, 36864, 512},
                                           {11, 2764800, 73728, 768},
                                           {20, 4608000, 122880, 960},
                                           {21, 9216000, 245760, 1344},
                                           {30, 20736000, 552960, 2048},
                                           {31, 36864000, 983040, 2752},
                                           {40, 83558400, 2228224, 4160},
                                           {41, 160432128, 2228224, 4160},
                                           {50, 311951360, 8912896, 8384},
                                           {51, 588251136, 8912896, 8384},
                                           {52, 1176502272, 8912896, 8384},
                                           {60, 1176502272, 35651584, 16832},
                                           {61, 2353004544, 35651584, 16832},
                                           {62, 4706009088, 35651584, 16832}}};
  constexpr uint32_t kUsualRateMilli = 30'000;
  const uint64_t rate = frame_rate_milli != 0 ? frame_rate_milli : kUsualRateMilli;
  const uint64_t picture = width * height;
  for (const Level& level : kLevels)
    if (picture <= level.picture && picture * rate / 1000 <= level.rate && width <= level.dimension &&
        height <= level.dimension)
      return level.value;
  return kLevels.back().value;
}

Track make_track(Bytes record, uint32_t width, uint32_t height) {
  Track track;
  track.codec = Codec::vp9;
  track.kind = Kind::video;
  track.config.assign(record.begin(), record.end());
  track.width = width;
  track.height = height;
  track.colour.full_range = (std::to_integer<unsigned>(record[2]) & 1) != 0;
  track.colour.primaries = std::to_integer<uint8_t>(record[3]);
  track.colour.transfer = std::to_integer<uint8_t>(record[4]);
  track.colour.matrix = std::to_integer<uint8_t>(record[5]);
  return track;
}

}  // namespace

std::optional<Vp9KeyFrame> parse_vp9_key_frame(Bytes bytes) {
  constexpr uint32_t kMarker = 2, kSyncCode = 0x498342;
  // Only the first bytes are looked at, however large the frame.
  constexpr size_t kHeaderBytes = 16;
  BitReader reader(bytes.first(std::min(bytes.size(), kHeaderBytes)));
  if (reader.bits(2) != kMarker) return std::nullopt;
  Vp9KeyFrame frame;
  frame.profile = reader.bits(1);
  frame.profile |= reader.bits(1) << 1;
  if (frame.profile == 3 && reader.flag()) return std::nullopt;
  const bool shows_existing = reader.flag();
  const bool inter = reader.flag();
  const bool shown = reader.flag();
  reader.flag();  // error_resilient_mode
  if (shows_existing || inter || !shown || reader.bits(24) != kSyncCode) return std::nullopt;
  if (!read_colour(reader, frame)) return std::nullopt;
  frame.width = reader.bits(16) + 1;
  frame.height = reader.bits(16) + 1;
  if (!reader.ok() || frame.width > kMaxDimension || frame.height > kMaxDimension) return std::nullopt;
  return frame;
}

std::optional<FrameSize> vp9_frame_size(Bytes bytes) {
  const std::optional<Vp9KeyFrame> frame = parse_vp9_key_frame(bytes);
  if (!frame) return std::nullopt;
  return FrameSize{frame->width, frame->height};
}

Result<Track> track_from_vpcc(Bytes vpcc, uint32_t width, uint32_t height) {
  if (vpcc.size() == kRecordBytes + kFullBoxFields) {
    if (std::to_integer<uint8_t>(vpcc[0]) != 1) return wrong("not of version 1");
    vpcc = vpcc.subspan(kFullBoxFields);
  }
  if (vpcc.size() != kRecordBytes)
    return wrong(std::to_string(vpcc.size()) + " bytes instead of " + std::to_string(kRecordBytes));
  const auto profile = std::to_integer<unsigned>(vpcc[0]), depths = std::to_integer<unsigned>(vpcc[2]);
  const unsigned bit_depth = depths >> 4;
  if (profile > 3) return wrong("profile " + std::to_string(profile));
  if (bit_depth != 8 && bit_depth != 10 && bit_depth != 12)
    return wrong("bit depth " + std::to_string(bit_depth));
  if ((depths >> 1 & 7) > kVp9Chroma444) return wrong("reserved chroma subsampling");
  if (vpcc[6] != std::byte{0} || vpcc[7] != std::byte{0})
    return wrong("initialization data, which VP9 has none of");
  if (width > kMaxDimension || height > kMaxDimension)
    return wrong("picture of " + std::to_string(width) + "x" + std::to_string(height) + " is larger than " +
                 std::to_string(kMaxDimension) + " either way");
  return make_track(vpcc, width, height);
}

Result<Track> track_from_vp9_frame(Bytes bytes, uint32_t frame_rate_milli) {
  const std::optional<Vp9KeyFrame> frame = parse_vp9_key_frame(bytes);
  if (!frame) return Unexpected("VP9: no key frame");
  ByteVector record;
  ByteWriter out(record);
  out.u8(frame->profile);
  out.u8(level_of(frame->width, frame->height, frame_rate_milli));
  out.u8(frame->bit_depth << 4 | frame->chroma << 1 | (frame->colour.full_range ? 1u : 0));
  out.u8(frame->colour.primaries);
  out.u8(frame->colour.transfer);
  out.u8(frame->colour.matrix);
  out.u16(0);
  Track track = make_track(record, frame->width, frame->height);
  track.frame_rate_milli = frame_rate_milli;
  return track;
}

}  // namespace headgate::codec

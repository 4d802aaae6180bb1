// SPDX-License-Identifier: LGPL-2.1-or-later
// Enhanced RTMP v2 beside the media headers of flv.h: what client and server tell each other in `connect`,
// and the packets that describe pictures and loudspeakers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>
#include <rtmp/amf0.h>
#include <rtmp/limits.h>

namespace headgate::rtmp {

// Bits of capsEx.
enum CapsEx : uint32_t {
  kCapsReconnect = 1,
  kCapsMultitrack = 2,
  kCapsModEx = 4,
  kCapsTimestampNanoOffset = 8,
};
// What this server does and its clients do. Not multitrack: of several tracks one is taken, and who does not
// see the bit does not send the others for nothing. They are read all the same.
inline constexpr uint32_t kOwnCaps = kCapsReconnect | kCapsModEx | kCapsTimestampNanoOffset;

// Bits of the FourCcInfoMaps' values. Codecs are passed on, not decoded.
inline constexpr uint32_t kCanForward = 4;

inline constexpr std::array<std::string_view, 4> kVideoCodecs = {"avc1", "hvc1", "vp09", "av01"};
inline constexpr std::array<std::string_view, 5> kAudioCodecs = {"mp4a", "Opus", "fLaC", "ac-3", "ec-3"};

// Writes fourCcList, videoFourCcInfoMap, audioFourCcInfoMap and capsEx with the above into an open object.
void write_capabilities(AmfWriter& writer);
// Of a connect's command object or its answer; nothing: the peer knows nothing of Enhanced RTMP.
std::optional<uint32_t> read_caps_ex(const AmfValue& object);

// VideoPacketType.Metadata's colorInfo. What is absent was not sent. Values are the sender's, unchecked.
struct ColorInfo {
  // ITU-T H.273, for pictures of so many bits.
  std::optional<double> bit_depth, primaries, transfer, matrix;
  std::optional<double> max_fall, max_cll;  // cd/m2
  // Red, green, blue and white in xy of CIE 1931, and luminance in cd/m2.
  std::optional<double> red_x, red_y, green_x, green_y, blue_x, blue_y, white_x, white_y;
  std::optional<double> max_luminance, min_luminance;
  bool operator==(const ColorInfo&) const = default;
};
// `payload`: of a kMetadata packet. Nothing: it says something else. An empty ColorInfo takes back what an
// earlier one said.
Result<std::optional<ColorInfo>> read_color_info(Bytes payload, const Limits& limits = {});

// AudioPacketType.MultichannelConfig.
struct Multichannel {
  enum Order : uint8_t { kUnspecified = 0, kNative = 1, kCustom = 2 };
  Order order = kUnspecified;
  uint8_t channels = 0;
  uint32_t mask = 0;             // kNative: AudioChannelMask
  std::vector<uint8_t> mapping;  // kCustom: AudioChannel of each channel
  bool operator==(const Multichannel&) const = default;
};
Result<Multichannel> read_multichannel(Bytes payload);

}  // namespace headgate::rtmp

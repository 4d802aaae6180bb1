// SPDX-License-Identifier: LGPL-2.1-or-later
// OpusSpecificBox (Encapsulation of Opus in ISO Base Media File Format, 4.3.2) and OpusHead (RFC 7845, 5.1):
// the same fields, big and little endian. Packets: RFC 6716, 3.
#include <algorithm>
#include <array>

#include <codec/access_unit.h>
#include <codec/stream_config.h>
#include <codec/track.h>

namespace headgate::codec {
namespace {

constexpr uint32_t kOpusRate = 48000;
constexpr std::string_view kMagic = "OpusHead";
constexpr uint8_t kSilent = 255;  // an output channel without a coded one

struct Head {
  uint8_t channels = 0;
  uint16_t pre_skip = 0;
  uint32_t input_rate = 0;
  uint16_t gain = 0;  // Q7.8, signed
  uint8_t family = 0;
  uint8_t streams = 1, coupled = 0;
  std::array<uint8_t, 255> mapping{};
};

Unexpected wrong(const std::string& what) {
  return Unexpected("Opus: " + what);
}

// `table` stands behind the mapping family.
Result<Head> with_mapping(Head head, ByteReader& table) {
  if (head.channels == 0) return wrong("no channels");
  if (head.family == 0) {
    if (head.channels > 2)
      return wrong("mapping family 0 with " + std::to_string(head.channels) + " channels");
    head.coupled = head.channels - 1;
    head.mapping[1] = 1;
    return head;
  }
  if (head.family == 1 && head.channels > 8)
    return wrong("mapping family 1 with " + std::to_string(head.channels) + " channels");
  head.streams = table.u8();
  head.coupled = table.u8();
  const Bytes mapping = table.bytes(head.channels);
  if (!table.ok()) return wrong("channel mapping ends too early");
  const unsigned coded = unsigned{head.streams} + head.coupled;
  if (head.streams == 0 || head.coupled > head.streams || coded > 255)
    return wrong(std::to_string(head.streams) + " streams, " + std::to_string(head.coupled) + " coupled");
  for (size_t i = 0; i < mapping.size(); ++i) {
    head.mapping[i] = std::to_integer<uint8_t>(mapping[i]);
    if (head.mapping[i] != kSilent && head.mapping[i] >= coded)
      return wrong("channel " + std::to_string(i) + " is mapped to a stream that is not there");
  }
  return head;
}

Track make_track(const Head& head) {
  Track track;
  track.codec = Codec::opus;
  track.kind = Kind::audio;
  track.timescale = track.sample_rate = kOpusRate;
  track.channels = head.channels;
  ByteWriter out(track.config);
  out.u8(0);  // version
  out.u8(head.channels);
  out.u16(head.pre_skip);
  out.u32(head.input_rate);
  out.u16(head.gain);
  out.u8(head.family);
  if (head.family == 0) return track;
  out.u8(head.streams);
  out.u8(head.coupled);
  for (unsigned i = 0; i < head.channels; ++i) out.u8(head.mapping[i]);
  return track;
}

Result<Head> read_dops(Bytes dops) {
  ByteReader reader(dops);
  if (reader.u8() != 0) return wrong("dOps of an unknown version");
  Head head;
  head.channels = reader.u8();
  head.pre_skip = reader.u16();
  head.input_rate = reader.u32();
  head.gain = reader.u16();
  head.family = reader.u8();
  if (!reader.ok()) return wrong("dOps ends too early");
  return with_mapping(head, reader);
}

uint16_t swapped(uint16_t value) {
  return static_cast<uint16_t>(value << 8 | value >> 8);
}

uint32_t swapped(uint32_t value) {
  return uint32_t{swapped(static_cast<uint16_t>(value))} << 16 | swapped(static_cast<uint16_t>(value >> 16));
}

}  // namespace

Result<Track> track_from_dops(Bytes dops) {
  const Result<Head> head = read_dops(dops);
  if (!head) return Unexpected(head.error());
  return make_track(*head);
}

Result<Track> track_from_opus_head(Bytes bytes) {
  ByteReader reader(bytes);
  if (as_text(reader.bytes(kMagic.size())) != kMagic) return wrong("no OpusHead");
  constexpr unsigned kMajorVersion = 0xf0;  // of which only 0 is known
  if ((reader.u8() & kMajorVersion) != 0) return wrong("OpusHead of an unknown version");
  Head head;
  head.channels = reader.u8();
  head.pre_skip = swapped(reader.u16());
  head.input_rate = swapped(reader.u32());
  head.gain = swapped(reader.u16());
  head.family = reader.u8();
  if (!reader.ok()) return wrong("OpusHead ends too early");
  const Result<Head> whole = with_mapping(head, reader);
  if (!whole) return Unexpected(whole.error());
  return make_track(*whole);
}

Result<Track> track_from_opus_layout(const OpusLayout& layout) {
  Head head;
  head.channels = layout.channels;
  head.pre_skip = layout.pre_skip;
  head.input_rate = kOpusRate;
  head.family = layout.family;
  ByteVector table;
  ByteWriter out(table);
  out.u8(layout.streams);
  out.u8(layout.coupled);
  out.bytes(std::as_bytes(layout.mapping));
  ByteReader reader(table);
  const Result<Head> whole = with_mapping(head, reader);
  if (!whole) return Unexpected(whole.error());
  return make_track(*whole);
}

Result<Track> track_from_opus_channel_config(uint8_t code) {
  // RFC 7845, 5.1.1.2: the channels' order is Vorbis', the coupled streams come first.
  struct Layout {
    uint8_t streams, coupled;
    std::array<uint8_t, 8> mapping;
  };
  constexpr std::array<Layout, 9> kLayouts{{{1, 1, {0, 1}},
                                            {1, 0, {0}},
                                            {1, 1, {0, 1}},
                                            {2, 1, {0, 2, 1}},
                                            {2, 2, {0, 1, 2, 3}},
                                            {3, 2, {0, 4, 1, 2, 3}},
                                            {4, 2, {0, 4, 1, 2, 3, 5}},
                                            {4, 3, {0, 4, 1, 2, 3, 5, 6}},
                                            {5, 3, {0, 6, 1, 2, 3, 4, 5, 7}}}};
  constexpr uint8_t kDualMono = 0, kDiscrete = 255;
  if (code >= kLayouts.size()) return wrong("channel configuration " + std::to_string(code));
  const Layout& layout = kLayouts[code];
  OpusLayout wanted;
  wanted.channels = code == kDualMono ? 2 : code;
  wanted.family = code == kDualMono ? kDiscrete : code > 2 ? 1 : 0;
  wanted.streams = layout.streams;
  wanted.coupled = layout.coupled;
  wanted.mapping = std::span(layout.mapping).first(wanted.channels);
  return track_from_opus_layout(wanted);
}

ByteVector opus_head_of(const Track& track) {
  ByteVector bytes;
  if (track.codec != Codec::opus) return bytes;
  const Result<Head> head = read_dops(track.config);
  if (!head) return bytes;
  ByteWriter out(bytes);
  out.text(kMagic);
  out.u8(1);
  out.u8(head->channels);
  out.u16(swapped(head->pre_skip));
  out.u32(swapped(head->input_rate));
  out.u16(swapped(head->gain));
  out.u8(head->family);
  if (head->family == 0) return bytes;
  out.u8(head->streams);
  out.u8(head->coupled);
  for (unsigned i = 0; i < head->channels; ++i) out.u8(head->mapping[i]);
  return bytes;
}

uint32_t opus_packet_samples(Bytes packet) {
  constexpr uint32_t kMaxSamples = kOpusRate * 120 / 1000;
  if (packet.empty()) return 0;
  const auto toc = std::to_integer<unsigned>(packet[0]);
  const unsigned config = toc >> 3, count_code = toc & 3;
  // Table 2: SILK 10 to 60 ms, hybrid 10 and 20 ms, CELT 2.5 to 20 ms.
  constexpr std::array<uint32_t, 4> kSilk{480, 960, 1920, 2880};
  const uint32_t frame = config < 12   ? kSilk[config & 3]
                         : config < 16 ? 480u << (config & 1)
                                       : 120u << (config & 3);
  uint32_t count = count_code == 0 ? 1 : 2;
  if (count_code == 3) {
    if (packet.size() < 2) return 0;
    count = std::to_integer<uint32_t>(packet[1]) & 0x3f;
  }
  return frame * count <= kMaxSamples ? frame * count : 0;
}

}  // namespace headgate::codec

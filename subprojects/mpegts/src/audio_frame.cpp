// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audio_frame.h"

#include <algorithm>

#include <codec/access_unit.h>
#include <codec/stream_config.h>
#include <mpegts/demuxer.h>

namespace headgate::mpegts {
namespace {

using codec::Codec;

constexpr size_t kAdtsHeaderBytes = 7, kAc3HeaderBytes = 8;
constexpr uint32_t kAacBlockSamples = 1024;
constexpr unsigned kMaxSubstreams = 8 + 8 * 8;  // independent ones, each with its dependent ones

Found find_adts(Bytes data, AudioFrame& frame) {
  if (data.size() >= 2 && (data[0] != std::byte{0xff} || (data[1] & std::byte{0xf6}) != std::byte{0xf0}))
    return Found::nothing;
  if (data.size() < kAdtsHeaderBytes) return Found::more;
  const auto adts = codec::adts_frame(data);
  if (!adts || adts->frame_bytes <= adts->header_bytes) return Found::nothing;
  frame.bytes = adts->frame_bytes;
  frame.header = adts->header_bytes;
  frame.samples = adts->raw_blocks * kAacBlockSamples;
  return Found::frame;
}

// opus_control_header()
Found find_opus(Bytes data, AudioFrame& frame) {
  constexpr uint16_t kPrefix = 0x7fe0, kPrefixMask = 0xffe0, kStartTrim = 0x10, kEndTrim = 0x08,
                     kExtension = 0x04;
  ByteReader reader(data);
  const uint16_t flags = reader.u16();
  if (!reader.ok()) return Found::more;
  if ((flags & kPrefixMask) != kPrefix) return Found::nothing;
  size_t size = 0;
  for (uint8_t byte = 255; byte == 255;) {
    byte = reader.u8();
    if (!reader.ok()) return Found::more;
    size += byte;
    if (size > kMaxAudioBytes) return Found::nothing;
  }
  if (flags & kStartTrim) reader.skip(2);
  if (flags & kEndTrim) reader.skip(2);
  if (flags & kExtension) reader.skip(reader.u8());
  const size_t header = reader.position();
  const Bytes packet = reader.bytes(size);
  if (size == 0) return Found::nothing;
  if (!reader.ok()) return Found::more;
  frame.bytes = header + size;
  frame.header = header;
  frame.samples = codec::opus_packet_samples(packet);
  return frame.samples > 0 ? Found::frame : Found::nothing;
}

// E-AC-3: the syncframes of other substreams behind it belong to it.
Found find_ac3(Codec codec, Bytes data, bool final, AudioFrame& frame) {
  if (data.size() >= 2 && (data[0] != std::byte{0x0b} || data[1] != std::byte{0x77})) return Found::nothing;
  if (data.size() < kAc3HeaderBytes) return Found::more;
  const auto first = codec::ac3_frame(data);
  if (!first || first->codec != codec || !first->begins_unit) return Found::nothing;
  frame.bytes = first->bytes;
  frame.header = 0;
  frame.samples = first->samples;
  if (codec == Codec::ac3) return Found::frame;
  for (unsigned substreams = 1; substreams <= kMaxSubstreams && frame.bytes <= kMaxAudioBytes; ++substreams) {
    if (data.size() < frame.bytes + kAc3HeaderBytes)
      return final && data.size() >= frame.bytes ? Found::frame : Found::more;
    const auto next = codec::ac3_frame(data.subspan(frame.bytes));
    if (!next || next->begins_unit) return Found::frame;
    frame.bytes += next->bytes;
  }
  return Found::nothing;
}

}  // namespace

Found find_audio_frame(Codec codec, Bytes data, bool final, AudioFrame& frame) {
  switch (codec) {
    case Codec::aac:
      return find_adts(data, frame);
    case Codec::opus:
      return find_opus(data, frame);
    default:
      return find_ac3(codec, data, final, frame);
  }
}

std::byte first_byte(Codec codec) {
  return codec == Codec::aac ? std::byte{0xff} : codec == Codec::opus ? std::byte{0x7f} : std::byte{0x0b};
}

ConfigMark config_mark(Codec codec, Bytes frame) {
  ConfigMark mark{};
  if (codec == Codec::opus) return mark;  // the program's descriptor says it all
  std::copy_n(frame.begin(), std::min(frame.size(), mark.size()), mark.begin());
  if (codec == Codec::aac) {
    // adts_fixed_header() without the CRC's presence and private_bit, and how many blocks there are.
    mark[1] &= std::byte{0xfe};
    mark[2] &= std::byte{0xfd};
    mark[3] &= std::byte{0xc0};
    mark[6] &= std::byte{0x03};
    mark[4] = mark[5] = mark[7] = std::byte{0};
  } else if (codec == Codec::ac3) {
    mark[2] = mark[3] = std::byte{0};  // crc1
  }
  return mark;
}

Result<codec::Track> describe_audio(Codec codec, Bytes frame, uint8_t opus_channels) {
  switch (codec) {
    case Codec::aac:
      if (codec::adts_frame(frame)->raw_blocks != 1)
        return Unexpected("ADTS frames of several raw data blocks");
      return codec::track_from_adts(frame);
    case Codec::opus:
      return codec::track_from_opus_channel_config(opus_channels);
    case Codec::ac3:
      return codec::track_from_ac3_frame(frame);
    default:
      return codec::track_from_eac3_frame(frame);
  }
}

}  // namespace headgate::mpegts

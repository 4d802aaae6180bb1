// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enhanced.h"

#include <codec/stream_config.h>
#include <rtmp/chunk_reader.h>

namespace headgate::test {
namespace {

constexpr uint8_t kModEx = 7, kVideoMultitrack = 6, kAudioMultitrack = 5;

// `first`: the upper four bits of the first byte.
ByteVector header(uint8_t first, uint8_t type, uint8_t multitrack, const std::string& fourcc,
                  const ExOptions& options) {
  ByteVector out;
  ByteWriter writer(out);
  const uint8_t shown = options.track ? multitrack : type;
  if (options.nano) {
    writer.u8(first << 4 | kModEx);
    writer.u8(2);  // three bytes
    writer.u24(*options.nano);
    writer.u8(shown);  // TimestampOffsetNano is 0
  } else {
    writer.u8(first << 4 | shown);
  }
  if (options.track) writer.u8(type);  // OneTrack is 0
  writer.text(fourcc);
  if (options.track) writer.u8(*options.track);
  return out;
}

int64_t ms_of(int64_t ticks, const codec::Track& track) {
  return ticks * 1000 / track.timescale;
}

bool has_composition(const std::string& fourcc) {
  return fourcc == "avc1" || fourcc == "hvc1";
}

void send_video(AdmittedPublisher& publisher, const MediaFile& media, const Packet& packet,
                const ExOptions& options, bool legacy) {
  const codec::Track& track = *media.video;
  const auto ms = static_cast<uint32_t>(ms_of(packet.dts, track));
  const auto composition = static_cast<int32_t>(ms_of(packet.pts, track) - ms_of(packet.dts, track));
  if (legacy) {
    ByteVector out;
    ByteWriter writer(out);
    writer.u8(packet.key ? 0x1c : 0x2c);
    writer.u8(1);
    writer.u24(static_cast<uint32_t>(composition));
    writer.bytes(packet.data);
    return publisher.message(rtmp::kVideo, ms, out);
  }
  const std::string fourcc = fourcc_of(track);
  const bool x = !has_composition(fourcc) || composition == 0;
  publisher.message(rtmp::kVideo, ms,
                    ex_video(x ? ExVideo::frames_x : ExVideo::frames, packet.key, fourcc, packet.data,
                             x ? std::nullopt : std::optional(composition), options));
}

}  // namespace

ByteVector ex_video(ExVideo type, bool key, const std::string& fourcc, Bytes payload,
                    std::optional<int32_t> composition_ms, const ExOptions& options) {
  ByteVector out = header(key ? 9 : 10, static_cast<uint8_t>(type), kVideoMultitrack, fourcc, options);
  ByteWriter writer(out);
  if (composition_ms) writer.u24(static_cast<uint32_t>(*composition_ms));
  writer.bytes(payload);
  return out;
}

ByteVector ex_audio(ExAudio type, const std::string& fourcc, Bytes payload, const ExOptions& options) {
  ByteVector out = header(9, static_cast<uint8_t>(type), kAudioMultitrack, fourcc, options);
  ByteWriter(out).bytes(payload);
  return out;
}

std::string fourcc_of(const codec::Track& track) {
  switch (track.codec) {
    case codec::Codec::h264:
      return "avc1";
    case codec::Codec::h265:
      return "hvc1";
    case codec::Codec::av1:
      return "av01";
    case codec::Codec::vp9:
      return "vp09";
    case codec::Codec::mjpeg:
      break;  // nobody sends it
    case codec::Codec::aac:
      return "mp4a";
    case codec::Codec::opus:
      return "Opus";
    case codec::Codec::ac3:
      return "ac-3";
    case codec::Codec::eac3:
      return "ec-3";
    case codec::Codec::flac:
      return "fLaC";
  }
  return "";
}

ByteVector record_of(const codec::Track& track) {
  if (track.codec == codec::Codec::opus) return codec::opus_head_of(track);
  if (track.codec != codec::Codec::flac) return track.config;
  ByteVector out;
  ByteWriter(out).text("fLaC");
  ByteWriter(out).bytes(track.config);
  return out;
}

void send_enhanced(AdmittedPublisher& publisher, const MediaFile& media, const Packet& packet,
                   const ExOptions& options, bool legacy) {
  if (packet.kind == codec::Kind::video) return send_video(publisher, media, packet, options, legacy);
  publisher.message(rtmp::kAudio, static_cast<uint32_t>(ms_of(packet.dts, *media.audio)),
                    ex_audio(ExAudio::frames, fourcc_of(*media.audio), packet.data, options));
}

void send_enhanced(AdmittedPublisher& publisher, const MediaFile& media, const ExOptions& options,
                   bool legacy) {
  if (media.video && legacy) {
    ByteVector out;
    ByteWriter(out).u8(0x1c);
    ByteWriter(out).u32(0);
    ByteWriter(out).bytes(media.video->config);
    publisher.message(rtmp::kVideo, 0, out);
  } else if (media.video) {
    publisher.message(
        rtmp::kVideo, 0,
        ex_video(ExVideo::start, true, fourcc_of(*media.video), record_of(*media.video), {}, options));
  }
  if (media.audio && media.audio->codec != codec::Codec::ac3 && media.audio->codec != codec::Codec::eac3)
    publisher.message(rtmp::kAudio, 0,
                      ex_audio(ExAudio::start, fourcc_of(*media.audio), record_of(*media.audio), options));
  for (const Packet& packet : media.packets) send_enhanced(publisher, media, packet, options, legacy);
}

}  // namespace headgate::test

// SPDX-License-Identifier: LGPL-2.1-or-later
// What the first bytes of an audio or video message say (Adobe FLV 10.1, E.4.2 and E.4.3; Enhanced RTMP v2 is
// recognised and its codec named), and what onMetaData says. Allocation-free except for Metadata.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <base/bytes.h>
#include <rtmp/amf0.h>

namespace headgate::rtmp {

constexpr uint32_t fourcc(const char (&name)[5]) {
  return static_cast<uint32_t>(static_cast<uint8_t>(name[0])) << 24 |
         static_cast<uint32_t>(static_cast<uint8_t>(name[1])) << 16 |
         static_cast<uint32_t>(static_cast<uint8_t>(name[2])) << 8 |
         static_cast<uint32_t>(static_cast<uint8_t>(name[3]));
}

enum class PacketKind : uint8_t {
  kEmpty,           // no bytes at all: silence, or a keep-alive
  kSequenceHeader,  // payload: AVCDecoderConfigurationRecord or AudioSpecificConfig
  kFrame,           // payload: one access unit in NAL units with lengths, or one raw AAC frame
  kEndOfSequence,   // no payload
  kCommand,         // a seek or info frame: ignore
  kUnsupported,     // a codec that is not taken (yet): `codec`, or else `codec_id`, says which
  kMalformed,       // shorter than its header, or a packet type that does not exist
};

struct VideoHeader {
  PacketKind kind = PacketKind::kMalformed;
  bool keyframe = false;
  bool enhanced = false;       // Enhanced RTMP header
  uint8_t codec_id = 0;        // FLV's; 0 when enhanced
  uint32_t codec = 0;          // fourcc ("avc1", …); 0: a legacy codec without one
  int32_t composition_ms = 0;  // PTS - DTS; signed, 24 bits on the wire
};

struct AudioHeader {
  PacketKind kind = PacketKind::kMalformed;
  bool enhanced = false;
  uint8_t codec_id = 0;  // FLV's sound format; 9 when enhanced
  uint32_t codec = 0;    // fourcc ("mp4a", …); 0: one without
};

// `prefix` is what ChunkReader gives: the first kVideoPrefix (kAudioPrefix) bytes, or the whole of a shorter
// message. Of an enhanced audio header only two bytes are there: the codec is then not known.
VideoHeader parse_video_header(Bytes prefix);
AudioHeader parse_audio_header(Bytes prefix);

// "avc1", or "video codec 2 (H.263)": for messages to people.
std::string codec_name(const VideoHeader& header);
std::string codec_name(const AudioHeader& header);

// Of onMetaData, what is of use. Everything is the sender's claim, unchecked and often absent or wrong.
struct Metadata {
  std::optional<double> width, height, frame_rate, video_kbps, audio_kbps, sample_rate, channels;
  std::optional<bool> has_video, has_audio;  // from videocodecid, audiocodecid
  std::string encoder;
};
Metadata read_metadata(const AmfValue& object);

}  // namespace headgate::rtmp

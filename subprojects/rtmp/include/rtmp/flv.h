// SPDX-License-Identifier: LGPL-2.1-or-later
// What an audio or video message's header says (Adobe FLV 10.1, E.4.2 and E.4.3; Enhanced RTMP v2,
// ExVideoTagHeader and ExAudioTagHeader), and what onMetaData says. Allocation-free except for Metadata.
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
  kSequenceHeader,  // payload: the configuration record of `codec`; see below
  kTsDescriptor,    // the same as AV1 video descriptor of MPEG-2 TS
  kFrame,           // payload: one access unit of `codec`, NAL units with lengths; or one audio frame
  kEndOfSequence,   // no payload
  kMetadata,        // of video: AMF for read_color_info() (enhanced.h)
  kMultichannel,    // of audio: for read_multichannel() (enhanced.h)
  kSeveral,         // several tracks, or a header longer than kMaxPrefix: MediaPackets reads the message
  kCommand,         // a seek or info frame: ignore
  kUnsupported,     // a codec that is not taken: `codec`, or else `codec_id`, says which
  kMalformed,       // shorter than its header, or of a type that does not exist
};

// A video message's codec is one of avc1, hvc1 (also FLV's codec 12), vp09, av01; an audio message's mp4a,
// Opus, fLaC, ac-3, ec-3; others are kUnsupported. Configurations are avcC, hvcC, vpcC, av1C,
// AudioSpecificConfig, OpusHead (may be empty) and FLAC's STREAMINFO; AC-3 and E-AC-3 have none.
struct MediaHeader {
  PacketKind kind = PacketKind::kMalformed;
  bool enhanced = false;     // Enhanced RTMP header
  uint8_t codec_id = 0;      // FLV's CodecID or SoundFormat (9 when enhanced); video: 0 when enhanced
  uint8_t track = 0;         // 0: the default one, and the only one of messages without track numbers
  uint32_t codec = 0;        // fourcc; 0: a legacy codec without one
  uint32_t nano_offset = 0;  // ns to be added to the message's time, 0..999,999
  size_t size = 0;           // of the header, in bytes: the payload begins there
};
struct VideoHeader : MediaHeader {
  bool keyframe = false;
  int32_t composition_ms = 0;  // PTS - DTS; signed, 24 bits on the wire
};
struct AudioHeader : MediaHeader {};

// A header has at most so many bytes (one with time, track and composition offset has 15), or is kSeveral.
inline constexpr size_t kMaxPrefix = 32;
// Of one message; more of either is malformed.
inline constexpr int kMaxModifiers = 16;  // ModEx
inline constexpr int kMaxTracks = 256;    // their numbers are bytes

// `prefix` is what ChunkReader gives: the header, or the whole of a shorter message. Any message, or its
// first kMaxPrefix bytes, will do as well.
VideoHeader parse_video_header(Bytes prefix);
AudioHeader parse_audio_header(Bytes prefix);

// How many bytes the header of an audio or video message has at least, judged by its first bytes: when that
// is not more than have.size(), it is complete.
size_t video_header_size(Bytes have);
size_t audio_header_size(Bytes have);

// The packets of a whole message, one for each track in it; of any message, kSeveral or not. `message` must
// outlive it. Kinds are as above without kSeveral; what is cut short ends with a kMalformed one.
template <typename Header>
class MediaPackets {
 public:
  explicit MediaPackets(Bytes message);
  // False: there are no more.
  bool next(Header& header, Bytes& payload);

 private:
  Header common_;            // of all tracks
  uint8_t packet_type_ = 0;  // likewise
  bool several_ = false;     // tracks with sizes follow
  bool codec_each_ = false;  // each with its codec
  bool done_ = false;
  int tracks_ = 0;
  Bytes rest_;
};
using VideoPackets = MediaPackets<VideoHeader>;
using AudioPackets = MediaPackets<AudioHeader>;

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

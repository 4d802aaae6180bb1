// SPDX-License-Identifier: LGPL-2.1-or-later
// Headers of audio and video messages, in one pass that knows how far it would have had to see: ChunkReader
// asks that of a header's first bytes, everybody else of a whole one.
#include <rtmp/flv.h>

#include <algorithm>

namespace headgate::rtmp {
namespace {

constexpr uint8_t kAvc = 7;            // FLV CodecID
constexpr uint8_t kHevcInformal = 12;  // never standardised, sent by some encoders before Enhanced RTMP
constexpr uint8_t kAac = 10;           // FLV SoundFormat
constexpr uint8_t kExAudio = 9;        // Enhanced RTMP's SoundFormat
constexpr uint8_t kKeyFrame = 1, kCommandFrame = 5;  // FLV FrameType
constexpr uint8_t kExVideo = 0x80;
constexpr uint32_t kMaxNanoOffset = 999'999;

// Enhanced RTMP v2: VideoPacketType and AudioPacketType.
enum VideoPacket : uint8_t {
  kVideoSequenceStart = 0,
  kVideoCodedFrames = 1,
  kVideoSequenceEnd = 2,
  kVideoCodedFramesX = 3,
  kVideoMetadata = 4,
  kVideoTsSequenceStart = 5,
  kVideoMultitrack = 6,
};
enum AudioPacket : uint8_t {
  kAudioSequenceStart = 0,
  kAudioCodedFrames = 1,
  kAudioSequenceEnd = 2,
  kAudioMultichannel = 4,
  kAudioMultitrack = 5,
};
constexpr uint8_t kModEx = 7;                // of both
constexpr uint8_t kTimestampOffsetNano = 0;  // VideoPacketModExType, AudioPacketModExType
enum MultitrackType : uint8_t { kOneTrack = 0, kManyTracks = 1, kManyTracksManyCodecs = 2 };

// Reads forward like ByteReader and remembers which size would have been enough.
class Scan {
 public:
  explicit Scan(Bytes data) : data_(data) {}
  bool ok() const { return wanted_ == 0; }
  // Bytes read; after the first read past the end, bytes that this read would have taken.
  size_t size() const { return ok() ? at_ : wanted_; }
  uint8_t u8() { return static_cast<uint8_t>(number(1)); }
  uint32_t u16() { return number(2); }
  uint32_t u24() { return number(3); }
  uint32_t u32() { return number(4); }
  Bytes bytes(size_t count) { return take(count) ? data_.subspan(at_ - count, count) : Bytes(); }
  Bytes rest() const { return ok() ? data_.subspan(at_) : Bytes(); }

 private:
  bool take(size_t count) {
    if (!ok()) return false;
    if (data_.size() - at_ < count) {
      wanted_ = at_ + count;
      return false;
    }
    at_ += count;
    return true;
  }
  uint32_t number(size_t count) {
    if (!take(count)) return 0;
    uint32_t value = 0;
    for (size_t i = at_ - count; i < at_; ++i) value = value << 8 | std::to_integer<uint32_t>(data_[i]);
    return value;
  }

  Bytes data_;
  size_t at_ = 0;
  size_t wanted_ = 0;
};

int32_t signed24(uint32_t value) {
  return static_cast<int32_t>(value << 8) >> 8;
}

// What the part of an enhanced header that all tracks of a message share says beside MediaHeader.
struct Shared {
  bool body = false;  // a packet follows; otherwise `kind` is final
  uint8_t packet_type = 0;
  bool several = false, codec_each = false;  // tracks with sizes follow, each with its codec
};

// ModEx packets: `type` is the packet's type before them, and becomes the one behind them. Those that are not
// known are passed over.
bool scan_modifiers(Scan& in, uint8_t& type, MediaHeader& out) {
  for (int count = 0; type == kModEx; ++count) {
    if (count == kMaxModifiers) return false;
    size_t size = in.u8() + size_t{1};
    if (size == 256) size = in.u16() + size_t{1};
    const Bytes data = in.bytes(size);
    const uint8_t types = in.u8();
    if (!in.ok()) return false;
    type = types & 15;
    if (types >> 4 != kTimestampOffsetNano || size < 3) continue;
    const uint32_t offset = ByteReader(data).u24();
    if (offset <= kMaxNanoOffset) out.nano_offset = offset;
  }
  return true;
}

// From the packet type that `type` is, to the codec and, if it is the only one, the track.
void scan_tracks(Scan& in, uint8_t type, uint8_t multitrack, MediaHeader& out, Shared& shared) {
  uint8_t tracks = kOneTrack;
  const bool numbered = type == multitrack;
  if (numbered) {
    const uint8_t types = in.u8();
    tracks = types >> 4;
    type = types & 15;
    if (tracks > kManyTracksManyCodecs || type == multitrack || type == kModEx) return;
  }
  shared.codec_each = tracks == kManyTracksManyCodecs;
  shared.several = tracks != kOneTrack;
  if (!shared.codec_each) out.codec = in.u32();
  if (numbered && !shared.several) out.track = in.u8();
  shared.packet_type = type;
  shared.body = in.ok();
}

bool is_taken(const VideoHeader& header) {
  switch (header.codec) {
    case fourcc("avc1"):
    case fourcc("hvc1"):
    case fourcc("vp09"):
    case fourcc("av01"):
      return true;
    default:
      return false;
  }
}

bool is_taken(const AudioHeader& header) {
  switch (header.codec) {
    case fourcc("mp4a"):
    case fourcc("Opus"):
    case fourcc("fLaC"):
    case fourcc("ac-3"):
    case fourcc("ec-3"):
      return true;
    default:
      return false;
  }
}

PacketKind kind_of(Scan& in, uint8_t packet_type, VideoHeader& out) {
  switch (packet_type) {
    case kVideoSequenceStart:
      return PacketKind::kSequenceHeader;
    case kVideoCodedFrames:
      if (out.codec == fourcc("avc1") || out.codec == fourcc("hvc1")) out.composition_ms = signed24(in.u24());
      return PacketKind::kFrame;
    case kVideoSequenceEnd:
      return PacketKind::kEndOfSequence;
    case kVideoCodedFramesX:
      return PacketKind::kFrame;
    case kVideoMetadata:
      return PacketKind::kMetadata;
    case kVideoTsSequenceStart:
      return out.codec == fourcc("av01") ? PacketKind::kTsDescriptor : PacketKind::kMalformed;
    default:
      return PacketKind::kMalformed;
  }
}

PacketKind kind_of(Scan&, uint8_t packet_type, AudioHeader&) {
  switch (packet_type) {
    case kAudioSequenceStart:
      return PacketKind::kSequenceHeader;
    case kAudioCodedFrames:
      return PacketKind::kFrame;
    case kAudioSequenceEnd:
      return PacketKind::kEndOfSequence;
    case kAudioMultichannel:
      return PacketKind::kMultichannel;
    default:
      return PacketKind::kMalformed;
  }
}

// One track's packet, behind its codec and number.
template <typename Header>
void scan_packet(Scan& in, uint8_t packet_type, Header& out) {
  if (!is_taken(out)) {
    out.kind = PacketKind::kUnsupported;
    return;
  }
  const PacketKind kind = kind_of(in, packet_type, out);
  out.kind = in.ok() ? kind : PacketKind::kMalformed;
}

void scan_avc_like(Scan& in, VideoHeader& out) {
  const uint32_t word = in.u32();
  if (!in.ok()) return;
  out.composition_ms = signed24(word & 0xffffff);
  constexpr PacketKind kKinds[] = {PacketKind::kSequenceHeader, PacketKind::kFrame,
                                   PacketKind::kEndOfSequence};
  if (word >> 24 < std::size(kKinds)) out.kind = kKinds[word >> 24];
}

void scan_legacy(Scan& in, uint8_t first, VideoHeader& out) {
  out.codec_id = first & 15;
  if (first >> 4 == kCommandFrame) {
    out.kind = PacketKind::kCommand;
  } else if (out.codec_id == kAvc) {
    out.codec = fourcc("avc1");
    scan_avc_like(in, out);
  } else if (out.codec_id == kHevcInformal) {
    out.codec = fourcc("hvc1");
    scan_avc_like(in, out);
  } else {
    out.kind = PacketKind::kUnsupported;
  }
}

void scan_shared(Scan& in, VideoHeader& out, Shared& shared) {
  const uint8_t first = in.u8();
  const uint8_t frame_type = first >> 4 & 7;
  out.keyframe = frame_type == kKeyFrame;
  out.enhanced = first & kExVideo;
  if (!out.enhanced) return scan_legacy(in, first, out);
  uint8_t type = first & 15;
  if (!scan_modifiers(in, type, out)) return;
  if (type != kVideoMetadata && frame_type == kCommandFrame)
    out.kind = PacketKind::kCommand;
  else
    scan_tracks(in, type, kVideoMultitrack, out, shared);
}

void scan_shared(Scan& in, AudioHeader& out, Shared& shared) {
  const uint8_t first = in.u8();
  out.codec_id = first >> 4;
  out.enhanced = out.codec_id == kExAudio;
  if (out.enhanced) {
    uint8_t type = first & 15;
    if (scan_modifiers(in, type, out)) scan_tracks(in, type, kAudioMultitrack, out, shared);
    return;
  }
  if (out.codec_id != kAac) {
    out.kind = PacketKind::kUnsupported;
    return;
  }
  out.codec = fourcc("mp4a");
  const uint8_t packet_type = in.u8();
  if (in.ok() && packet_type <= 1)
    out.kind = packet_type == 0 ? PacketKind::kSequenceHeader : PacketKind::kFrame;
}

template <typename Header>
Header scan(Scan& in) {
  Header out;
  Shared shared;
  scan_shared(in, out, shared);
  if (shared.several && shared.body)
    out.kind = PacketKind::kSeveral;
  else if (shared.body)
    scan_packet(in, shared.packet_type, out);
  return out;
}

template <typename Header>
Header parse(Bytes prefix) {
  Scan in(prefix);
  Header out = scan<Header>(in);
  out.size = std::min(in.size(), prefix.size());
  if (prefix.empty())
    out.kind = PacketKind::kEmpty;
  else if (!in.ok() && out.enhanced && prefix.size() >= kMaxPrefix)
    out.kind = PacketKind::kSeveral;
  return out;
}

}  // namespace

VideoHeader parse_video_header(Bytes prefix) {
  return parse<VideoHeader>(prefix);
}

AudioHeader parse_audio_header(Bytes prefix) {
  return parse<AudioHeader>(prefix);
}

size_t video_header_size(Bytes have) {
  Scan in(have);
  scan<VideoHeader>(in);
  return in.size();
}

size_t audio_header_size(Bytes have) {
  Scan in(have);
  scan<AudioHeader>(in);
  return in.size();
}

template <typename Header>
MediaPackets<Header>::MediaPackets(Bytes message) {
  Scan in(message);
  Shared shared;
  scan_shared(in, common_, shared);
  if (message.empty()) common_.kind = PacketKind::kEmpty;
  several_ = shared.several && shared.body;
  codec_each_ = shared.codec_each;
  packet_type_ = shared.packet_type;
  if (shared.body && !several_) scan_packet(in, packet_type_, common_);
  common_.size = std::min(in.size(), message.size());
  rest_ = in.rest();
}

template <typename Header>
bool MediaPackets<Header>::next(Header& header, Bytes& payload) {
  if (done_) return false;
  header = common_;
  payload = {};
  if (!several_) {
    done_ = true;
    if (header.kind != PacketKind::kMalformed) payload = rest_;
    return true;
  }
  if (rest_.empty()) {
    done_ = true;
    return false;
  }
  Scan in(rest_);
  if (codec_each_) header.codec = in.u32();
  header.track = in.u8();
  const Bytes packet = in.bytes(in.u24());
  if (!in.ok() || ++tracks_ > kMaxTracks) {
    header.kind = PacketKind::kMalformed;
    done_ = true;
    return true;
  }
  rest_ = in.rest();
  Scan body(packet);
  scan_packet(body, packet_type_, header);
  if (header.kind != PacketKind::kMalformed) payload = body.rest();
  return true;
}

template class MediaPackets<VideoHeader>;
template class MediaPackets<AudioHeader>;

}  // namespace headgate::rtmp

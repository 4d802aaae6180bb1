// SPDX-License-Identifier: LGPL-2.1-or-later
// What RTMP's audio and video messages carry, of whatever codec and in whatever form, as configurations and
// frames of the two tracks.
#include <codec/access_unit.h>
#include <codec/nal.h>
#include <codec/stream_config.h>
#include <rtmp/flv.h>

#include <cstring>

#include "rtmp_records.h"
#include "rtmp_session.h"

namespace headgate::ticketsrc {
namespace {

constexpr int64_t kMsNs = 1'000'000;
// A message with frames of several tracks.
constexpr uint32_t kMaxSeveralBytes = 4 << 20;
constexpr const char* kKindNames[] = {"video", "audio"};

using rtmp::fourcc;
using rtmp::PacketKind;
using rtmp::VideoHeader;

// Audio as video without the fields that it does not have.
VideoHeader common_of(const rtmp::AudioHeader& header) {
  VideoHeader out;
  static_cast<rtmp::MediaHeader&>(out) = header;
  out.keyframe = true;
  return out;
}

VideoHeader parse(TrackId track, Bytes prefix) {
  return track == kVideoTrack ? rtmp::parse_video_header(prefix)
                              : common_of(rtmp::parse_audio_header(prefix));
}

std::string name_of(TrackId track, const VideoHeader& header) {
  if (track == kVideoTrack) return rtmp::codec_name(header);
  rtmp::AudioHeader audio;
  static_cast<rtmp::MediaHeader&>(audio) = header;
  return rtmp::codec_name(audio);
}

// Of a video frame. Codecs that are not taken do not come so far.
codec::Codec codec_of(uint32_t video) {
  switch (video) {
    case fourcc("avc1"):
      return codec::Codec::h264;
    case fourcc("hvc1"):
      return codec::Codec::h265;
    case fourcc("av01"):
      return codec::Codec::av1;
    default:
      return codec::Codec::vp9;
  }
}

}  // namespace

std::span<std::byte> RtmpSession::begin(uint32_t, const rtmp::MessageHeader& header, Bytes prefix) {
  const TrackId id = header.type == rtmp::kVideo ? kVideoTrack : kAudioTrack;
  Media& media = media_[id];
  const size_t size = header.length - prefix.size();
  const VideoHeader parsed = parse(id, prefix);
  switch (parsed.kind) {
    case PacketKind::kSequenceHeader:
    case PacketKind::kTsDescriptor:
    case PacketKind::kMultichannel:
      if (size > codec::kMaxConfigBytes) return {};
      return media.buffer.take(size);
    case PacketKind::kSeveral:
      if (header.length > kMaxSeveralBytes) {
        warn("a message with several tracks is larger than " + std::to_string(kMaxSeveralBytes >> 20) +
             " MiB: left out");
        return {};
      }
      std::copy(prefix.begin(), prefix.end(), media.buffer.take(header.length).begin());
      return media.buffer.bytes().subspan(prefix.size());
    case PacketKind::kFrame:
      // Frames before their configuration cannot be described to anybody.
      if (size == 0 || !is_wanted(media, parsed)) return {};
      frame_under_way();
      return arena(id).reserve(size);
    default:
      return {};
  }
}

void RtmpSession::complete(uint32_t, const rtmp::MessageHeader& header, Bytes prefix,
                           std::span<std::byte> payload) {
  const TrackId id = header.type == rtmp::kVideo ? kVideoTrack : kAudioTrack;
  const VideoHeader parsed = parse(id, prefix);
  if (parsed.kind == PacketKind::kSeveral) {
    if (!payload.empty()) take_several(id, header.timestamp);
    media_[id].buffer.give_back();
  } else if (!payload.empty() || header.length == prefix.size() || parsed.kind == PacketKind::kUnsupported) {
    take_packet(id, header.timestamp, parsed, payload);
  }
}

// The next message of the kind takes its place, in the arena as in the buffer.
void RtmpSession::abandon(uint32_t) {}

void RtmpSession::take_several(TrackId id, uint32_t timestamp) {
  const Bytes message = media_[id].buffer.bytes();
  Bytes payload;
  if (id == kVideoTrack) {
    rtmp::VideoPackets packets(message);
    for (VideoHeader header; packets.next(header, payload);) take_packet(id, timestamp, header, payload);
  } else {
    rtmp::AudioPackets packets(message);
    for (rtmp::AudioHeader header; packets.next(header, payload);)
      take_packet(id, timestamp, common_of(header), payload);
  }
}

// Number 0 is the default track (Enhanced RTMP v2, Multitrack): whoever begins with another has that one
// taken only until 0 comes.
void RtmpSession::take_packet(TrackId id, uint32_t timestamp, const VideoHeader& header, Bytes payload) {
  Media& media = media_[id];
  switch (header.kind) {
    case PacketKind::kUnsupported:
    case PacketKind::kSequenceHeader:
    case PacketKind::kTsDescriptor:
    case PacketKind::kMultichannel:
    case PacketKind::kFrame:
      break;
    default:
      return;
  }
  if (media.number && header.track == 0 && *media.number != 0 && begins_track(header, payload)) {
    warn("the publisher's " + std::string(kKindNames[id]) + " track number 0 has come: it is taken, number " +
         std::to_string(*media.number) + " is left out from here on");
    media.forget_track();
    media.others_told = true;
  }
  if (media.number && *media.number != header.track) {
    if (!std::exchange(media.others_told, true))
      warn("the publisher sends more than one " + std::string(kKindNames[id]) + " track: number " +
           std::to_string(*media.number) + " is taken, number " + std::to_string(header.track) +
           " (and any other) is left out");
  } else if (header.kind == PacketKind::kUnsupported) {
    leave_out(id, name_of(id, header));
  } else if (header.kind == PacketKind::kMultichannel) {
    if (const auto channels = rtmp::read_multichannel(payload)) media.channels = channels->channels;
  } else if (header.kind == PacketKind::kFrame) {
    take_frame_of(id, timestamp, header, payload);
  } else {
    take_record(id, header, payload);
  }
}

void RtmpSession::Media::forget_track() {
  state = kNone;
  codec = 0;
  sets.reset();
  record.clear();
  number.reset();
  channels.reset();
}

void RtmpSession::take_record(TrackId id, const VideoHeader& header, Bytes record) {
  Media& media = media_[id];
  if (describes_itself(header.codec) || record.size() > codec::kMaxConfigBytes) return;
  // Repeated by many senders, also between two key frames.
  const bool same = media.codec == header.codec;
  if (same && media.number &&
      std::equal(record.begin(), record.end(), media.record.begin(), media.record.end()))
    return;
  media.number = header.track;
  if (needs_frame(header, record)) {
    media.codec = header.codec;
    media.record.assign(record.begin(), record.end());
    media.state = Media::kFromFrame;
    return;
  }
  auto config = config_of(header.codec, record);
  // A record that cannot be read leaves what was there before, if that was of this codec.
  if (!config && same && media.state == Media::kReady) return take_config(id, std::move(config));
  media.codec = header.codec;
  media.record.assign(record.begin(), record.end());
  if (!config && header.codec == fourcc("av01")) {
    media.state = Media::kFromFrame;
    return;
  }
  media.state = config ? Media::kReady : Media::kNone;
  media.sets.reset();
  if (config && id == kVideoTrack && header.codec != fourcc("av01")) {
    media.length_size = codec::nal_length_size(*config);
    media.sets.emplace(*config);
  }
  if (!config) media.number.reset();
  take_config(id, std::move(config));
}

bool RtmpSession::is_wanted(const Media& media, const VideoHeader& header) {
  if (describes_itself(header.codec))
    return !media.number || *media.number == header.track || header.track == 0;
  if (media.number && *media.number != header.track) return false;
  return header.codec == media.codec && media.state != Media::kNone;
}

// An encoder that is told another size may say so in the stream alone, before a key frame's first slice.
void RtmpSession::take_sets(TrackId id, Bytes frame) {
  Media& media = media_[id];
  const codec::Codec coded = codec_of(media.codec);
  codec::NalReader reader(frame, media.length_size);
  while (std::optional<Bytes> nal = reader.next()) {
    if (codec::is_vcl(coded, *nal)) break;
    const auto kind = codec::parameter_set(coded, *nal);
    while (kind && !nal->empty() && nal->back() == std::byte{0}) *nal = nal->first(nal->size() - 1);
    if (kind) media.sets->add(*kind, *nal);
  }
  if (!reader.ok()) return media.sets->abandon();
  auto config = media.sets->commit();
  if (!config) return;
  if (*config) codec::set_nal_length_size(**config, media.length_size);
  take_config(id, std::move(*config));
}

// Of a frame that can be decoded alone: the configuration if it has, or changes, one.
bool RtmpSession::describe(TrackId id, const VideoHeader& header, bool key, Bytes frame) {
  Media& media = media_[id];
  std::optional<Result<codec::Track>> config;
  if (describes_itself(header.codec)) {
    config = config_of_frame(header.codec, frame);
  } else if (header.codec == fourcc("vp09") && key) {
    if (const auto size = codec::vp9_frame_size(frame))
      config = codec::track_from_vpcc(media.record, size->width, size->height);
  } else if (media.state == Media::kReady) {
    if (key && media.sets) take_sets(id, frame);
    return true;
  } else if (header.codec == fourcc("av01") && key) {
    config = codec::track_from_av1_obus(frame);
  } else if (header.codec == fourcc("Opus")) {
    // Mono and stereo differ in a bit of the packet's first byte (RFC 6716, 3.1).
    const bool stereo = (frame[0] & std::byte{4}) != std::byte{0};
    config = codec::track_from_opus_channel_config(media.channels.value_or(stereo ? 2 : 1));
  }
  const bool ready = media.state == Media::kReady && media.codec == header.codec;
  if (!config) return ready;
  // One frame that cannot be read is none in the stream.
  if (!*config && ready) return false;
  media.codec = header.codec;
  media.state = *config ? Media::kReady : media.state;
  if (*config) media.number = header.track;
  take_config(id, std::move(*config));
  return media.state == Media::kReady;
}

// What the header says of a video frame is the sender's claim, and not every sender's is true: with each
// frame called a key frame segments would begin anywhere, with none nobody could begin to watch.
void RtmpSession::judge_key(const Media& media, const VideoHeader& header, Bytes frame, Item& item) {
  using codec::Entry;
  const Entry entry = codec::entry_of(codec_of(header.codec), media.length_size, frame);
  item.key =
      entry >= Entry::open || (header.keyframe && (entry == Entry::unknown || entry == Entry::gradual));
  // A recovery point is no key frame to everybody.
  item.key_denied = item.key != header.keyframe && entry != Entry::open;
}

// `frame` is what the arena holds reserved, or lies in the track's buffer.
void RtmpSession::take_frame_of(TrackId id, uint32_t timestamp, const VideoHeader& header, Bytes frame) {
  if (frame.empty() || !is_wanted(media_[id], header)) return;
  Item item;
  item.key = true;
  if (id == kVideoTrack) judge_key(media_[id], header, frame, item);
  if (!describe(id, header, item.key, frame)) return;
  const Bytes stored = header.codec == fourcc("av01") ? codec::without_temporal_delimiter(frame) : frame;
  if (stored.empty()) return;
  const std::span<std::byte> place = arena(id).reserve(stored.size());
  if (place.data() != stored.data()) std::memmove(place.data(), stored.data(), stored.size());
  item.sender_ns = clock_.ns(id, timestamp) + header.nano_offset;
  item.composition_ns = header.composition_ms * kMsNs;
  take_frame(id, std::move(item));
}

}  // namespace headgate::ticketsrc

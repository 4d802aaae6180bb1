// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/clip.h>
#include <rtmp/amf0.h>
#include <rtmp/chunk_reader.h>
#include <rtmp/chunk_writer.h>
#include <rtmp/flv.h>

#include <algorithm>

namespace headgate::load {
namespace {

// A header of type 1 (no stream id) and the payload in chunks with headers of type 3.
void write_delta_message(ByteVector& out, uint32_t csid, uint32_t delta, uint8_t type, Bytes payload,
                         uint32_t chunk_size) {
  ByteWriter writer(out);
  writer.u8(0x40 | csid);
  writer.u24(delta);
  writer.u24(payload.size());
  writer.u8(type);
  for (size_t at = 0; at < payload.size(); at += chunk_size) {
    if (at > 0) writer.u8(0xc0 | csid);
    writer.bytes(payload.subspan(at, std::min<size_t>(chunk_size, payload.size() - at)));
  }
}

// A message of H.264 or AAC as Enhanced RTMP v2 has it: SequenceStart is 0 and CodedFrames 1, as in FLV.
ByteVector by_fourcc(bool video, Bytes body) {
  ByteVector out;
  ByteWriter writer(out);
  const uint8_t first = std::to_integer<uint8_t>(body[0]), type = std::to_integer<uint8_t>(body[1]);
  if (!video) {
    writer.u8(0x90 | type);
    writer.text("mp4a");
    writer.bytes(body.subspan(2));
    return out;
  }
  writer.u8(0x80 | (first & 0x70) | type);
  writer.text("avc1");
  writer.bytes(body.subspan(type == 0 ? 5 : 2));  // frames keep their composition offset
  return out;
}

}  // namespace

Result<Clip> Clip::load(const std::string& path, uint32_t chunk_size, bool enhanced) {
  auto flv = read_clip_file(path);
  if (!flv) return Unexpected(flv.error());
  auto clip = parse(*flv, chunk_size, enhanced);
  if (!clip) return Unexpected(path + ": " + clip.error().message);
  return clip;
}

Result<Clip> Clip::parse(Bytes flv, uint32_t chunk_size, bool enhanced) {
  auto media = FlvMedia::parse(flv);
  if (!media) return Unexpected(media.error());
  Clip clip;
  clip.chunk_size_ = chunk_size;
  clip.enhanced_ = enhanced;
  clip.length_ms_ = media->length_ms;
  auto kept = [&](bool video, Bytes header) {
    return enhanced && !header.empty() ? by_fourcc(video, header) : ByteVector(header.begin(), header.end());
  };
  clip.metadata_.assign(media->metadata.begin(), media->metadata.end());
  clip.video_header_ = kept(true, media->video_header);
  clip.audio_header_ = kept(false, media->audio_header);
  clip.make_chunks(media->frames);
  return clip;
}

void Clip::make_chunks(const std::vector<FlvMedia::Frame>& media) {
  int64_t last_of[2] = {-1, -1};  // audio, video: the frame before, which for the first is the last
  for (const FlvMedia::Frame& tag : media) last_of[tag.video] = tag.time_ms - length_ms_;
  videos_before_.push_back(0);
  for (const FlvMedia::Frame& tag : media) {
    auto offset = static_cast<uint32_t>(chunks_.size());
    auto delta = static_cast<uint32_t>(tag.time_ms - std::exchange(last_of[tag.video], tag.time_ms));
    const ByteVector enhanced = enhanced_ ? by_fourcc(tag.video, tag.body) : ByteVector();
    write_delta_message(chunks_, tag.video ? kVideoCsid : kAudioCsid, delta,
                        tag.video ? rtmp::kVideo : rtmp::kAudio, enhanced_ ? Bytes(enhanced) : tag.body,
                        chunk_size_);
    if (tag.keyframe) keyframes_.push_back(static_cast<uint32_t>(messages_.size()));
    messages_.push_back({offset, static_cast<uint32_t>(chunks_.size()) - offset,
                         static_cast<uint32_t>(tag.time_ms), tag.video, tag.keyframe});
    videos_before_.push_back(videos_before_.back() + (tag.video ? 1 : 0));
  }
}

ByteVector Clip::prologue(uint32_t stream_id, uint32_t first) const {
  // Each track's sequence header has the time of the track's frame before `first`, so that the first delta
  // leads to the right time; the earlier of the two is zero.
  int64_t before[2] = {INT64_MAX, INT64_MAX};
  for (size_t back = 1; back <= messages_.size(); ++back) {
    size_t index = first + messages_.size() - back;
    const Message& message = messages_[index % messages_.size()];
    int64_t time = message.time_ms - (index < messages_.size() ? length_ms_ : 0);
    if (before[message.video] == INT64_MAX) before[message.video] = time;
  }
  int64_t zero = std::min(before[0], before[1]);
  rtmp::ChunkWriter writer;
  writer.resume_chunk_size(chunk_size_);
  ByteVector out;
  rtmp::MessageHeader header;
  header.stream_id = stream_id;
  if (!metadata_.empty()) {
    ByteVector data;
    rtmp::AmfWriter(data).string("@setDataFrame");
    data.insert(data.end(), metadata_.begin(), metadata_.end());
    header.type = rtmp::kDataAmf0;
    writer.write(out, kDataCsid, header, data);
  }
  header.type = rtmp::kVideo;
  header.timestamp = static_cast<uint32_t>(before[1] - zero);
  writer.write(out, kVideoCsid, header, video_header_);
  if (before[0] != INT64_MAX && has_audio()) {
    header.type = rtmp::kAudio;
    header.timestamp = static_cast<uint32_t>(before[0] - zero);
    writer.write(out, kAudioCsid, header, audio_header_);
  }
  return out;
}

Clip::Counts Clip::before(uint64_t message) const {
  uint64_t rounds = message / messages_.size();
  uint64_t videos = rounds * videos_before_.back() + videos_before_[message % messages_.size()];
  return {videos, message - videos};
}

Clip::Counts Clip::count(uint32_t first, uint64_t count) const {
  Counts to = before(first + count), from = before(first);
  return {to.video - from.video, to.audio - from.audio};
}

}  // namespace headgate::load

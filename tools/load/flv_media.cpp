// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/flv_media.h>
#include <rtmp/chunk_reader.h>
#include <rtmp/flv.h>

#include <algorithm>

#include <base/io.h>

namespace headgate::load {
namespace {

constexpr int64_t kMaxClipMs = 3600 * 1000;  // keeps offsets and deltas well inside 32 and 24 bits
constexpr size_t kTagHeader = 11, kTagTrailer = 4;
constexpr int64_t kDefaultFrameMs = 40;  // of a clip with one video frame

}  // namespace

Result<FlvMedia> FlvMedia::parse(Bytes flv) {
  FlvMedia out;
  if (auto read = out.read_tags(flv); !read) return Unexpected(read.error());
  if (auto cut = out.cut_loop(); !cut) return Unexpected(cut.error());
  return out;
}

// Adobe FLV 10.1, annex E. A last tag that is cut off is left out.
Result<void> FlvMedia::read_tags(Bytes flv) {
  ByteReader reader(flv);
  if (as_text(reader.bytes(3)) != "FLV") return Unexpected("not an FLV file");
  reader.skip(2);
  uint32_t header_size = reader.u32();
  if (!reader.ok() || header_size < 9 || header_size > flv.size()) return Unexpected("not an FLV file");
  reader.skip(header_size - 9 + kTagTrailer);
  while (reader.remaining() >= kTagHeader) {
    uint8_t type = reader.u8() & 0x1f;
    uint32_t size = reader.u24();
    int64_t time = reader.u24();
    time |= static_cast<int64_t>(reader.u8()) << 24;
    reader.skip(3);
    Bytes body = reader.bytes(size);
    reader.skip(kTagTrailer);
    if (!reader.ok()) break;
    if (type == rtmp::kDataAmf0 && metadata.empty()) metadata = body;
    if (type == rtmp::kVideo) {
      rtmp::VideoHeader header = rtmp::parse_video_header(body);
      if (header.kind == rtmp::PacketKind::kUnsupported || header.enhanced ||
          header.codec == rtmp::fourcc("hvc1"))
        return Unexpected("its video is not H.264");
      if (header.kind == rtmp::PacketKind::kSequenceHeader) video_header = body;
      if (header.kind == rtmp::PacketKind::kFrame) frames.push_back({true, header.keyframe, time, body});
    } else if (type == rtmp::kAudio) {
      rtmp::AudioHeader header = rtmp::parse_audio_header(body);
      if (header.kind == rtmp::PacketKind::kUnsupported || header.enhanced)
        return Unexpected("its audio is not AAC");
      if (header.kind == rtmp::PacketKind::kSequenceHeader) audio_header = body;
      if (header.kind == rtmp::PacketKind::kFrame) frames.push_back({false, false, time, body});
    }
  }
  if (video_header.empty()) return Unexpected("it has no H.264 sequence header");
  if (audio_header.empty()) std::erase_if(frames, [](const Frame& frame) { return !frame.video; });
  return {};
}

// Keeps [first key frame, last video frame's end), with times counted from the key frame.
Result<void> FlvMedia::cut_loop() {
  std::stable_sort(frames.begin(), frames.end(),
                   [](const Frame& a, const Frame& b) { return a.time_ms < b.time_ms; });
  auto first = std::find_if(frames.begin(), frames.end(), [](const Frame& frame) { return frame.keyframe; });
  if (first == frames.end()) return Unexpected("it has no key frame");
  int64_t start = first->time_ms, last = start, step = kDefaultFrameMs;
  for (const Frame& frame : frames) {
    if (!frame.video || frame.time_ms <= last) continue;
    step = frame.time_ms - last;
    last = frame.time_ms;
  }
  length_ms = last + step - start;
  if (length_ms > kMaxClipMs) return Unexpected("it is longer than an hour");
  // Of what has the key frame's own time, the key frame comes first: sessions begin with it.
  std::rotate(std::find_if(frames.begin(), frames.end(), [&](const Frame& f) { return f.time_ms == start; }),
              first, first + 1);
  std::erase_if(frames, [&](const Frame& frame) {
    return frame.time_ms < start || frame.time_ms >= start + length_ms;
  });
  for (Frame& frame : frames) frame.time_ms -= start;
  return {};
}

Result<ByteVector> read_clip_file(const std::string& path) {
  auto flv = read_file(path, FlvMedia::kMaxFileBytes);
  if (!flv) return Unexpected(flv.error().message + " (headgate load clip makes one)");
  return flv;
}

}  // namespace headgate::load

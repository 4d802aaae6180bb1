// SPDX-License-Identifier: LGPL-2.1-or-later
// A clip as RTMP chunks, made once and read by every session. All headers are of type 1 (timestamp deltas) or
// 3, so the bytes carry neither a stream id nor an absolute time: a session sends a prologue of its own and
// then this one buffer round and round, from any key frame, and its timestamps go on over every loop.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>
#include <load/flv_media.h>

namespace headgate::load {

inline constexpr uint32_t kAudioCsid = 4, kDataCsid = 5, kVideoCsid = 6;

class Clip {
 public:
  struct Message {
    uint32_t offset;   // of its chunks in chunks()
    uint32_t size;     // of its chunks
    uint32_t time_ms;  // since the clip's first frame; does not decrease
    bool video;
    bool keyframe;
  };
  struct Counts {
    uint64_t video = 0, audio = 0;
  };

  // Of an FLV file that FlvMedia takes. `enhanced`: it is sent by Enhanced RTMP's headers, as avc1 and mp4a.
  static Result<Clip> load(const std::string& path, uint32_t chunk_size, bool enhanced = false);
  static Result<Clip> parse(Bytes flv, uint32_t chunk_size, bool enhanced = false);

  std::span<const Message> messages() const { return messages_; }     // not empty
  std::span<const uint32_t> keyframes() const { return keyframes_; }  // indices of messages; not empty
  Bytes chunks() const { return chunks_; }
  int64_t length_ms() const { return length_ms_; }
  bool has_audio() const { return !audio_header_.empty(); }

  // Metadata and sequence headers for a session on `stream_id` that goes on with messages()[first].
  ByteVector prologue(uint32_t stream_id, uint32_t first) const;
  // How many of `count` messages from messages()[first] on, over the end and round again, are of each kind.
  Counts count(uint32_t first, uint64_t count) const;

 private:
  void make_chunks(const std::vector<FlvMedia::Frame>& media);
  Counts before(uint64_t message) const;  // counted from messages()[0] on

  uint32_t chunk_size_ = 128;
  bool enhanced_ = false;
  std::vector<Message> messages_;
  std::vector<uint32_t> keyframes_;
  std::vector<uint32_t> videos_before_;  // by message; one more than there are messages
  ByteVector chunks_;
  int64_t length_ms_ = 0;
  ByteVector metadata_, video_header_, audio_header_;  // as they are sent
};

}  // namespace headgate::load

// SPDX-License-Identifier: LGPL-2.1-or-later
// What is in an FLV file that is to be sent round and round: one loop of frames, and what stands before them.
#pragma once

#include <cstdint>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::load {

// Of a file with H.264, and AAC or no audio, that begins with a key frame within its first second of video.
// The loop is as long as the video; audio outside it is left out.
struct FlvMedia {
  static constexpr size_t kMaxFileBytes = 1024 * 1024 * 1024;

  struct Frame {
    bool video = false;
    bool keyframe = false;
    int64_t time_ms = 0;  // since the loop's first key frame; does not decrease
    Bytes body;           // of the FLV tag: points into the file
  };

  // The bodies point into `flv`.
  static Result<FlvMedia> parse(Bytes flv);
  bool has_audio() const { return !audio_header.empty(); }

  std::vector<Frame> frames;  // not empty; the first is a key frame
  int64_t length_ms = 0;
  Bytes metadata, video_header, audio_header;  // bodies of tags; may be empty, but for the video's

 private:
  Result<void> read_tags(Bytes flv);
  Result<void> cut_loop();
};

// What FlvMedia is made from.
Result<ByteVector> read_clip_file(const std::string& path);

}  // namespace headgate::load

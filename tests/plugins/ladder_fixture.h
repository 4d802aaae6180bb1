// SPDX-License-Identifier: LGPL-2.1-or-later
// A ladder in a folder, and what independent programs say of it.
#pragma once

#include <string>
#include <vector>

#include "plugin_test.h"
#include "told_records.h"

namespace headgate::test {

// Ends of launch lines: 250 pictures of 640x360 at 25 a second with a key frame each 2 s, and ten seconds of
// sound.
inline constexpr char kVideo[] =
    "videotestsrc num-buffers=250 ! "
    "video/x-raw,format=I420,width=640,height=360,framerate=25/1,colorimetry=bt709 ! "
    "x264enc key-int-max=50 speed-preset=ultrafast bitrate=1000 ! h264parse ! ";
inline constexpr char kAudio[] =
    "audiotestsrc num-buffers=470 samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! "
    "aacparse ! ";

std::string text_of(const std::string& path);
std::vector<std::string> lines(const std::string& text);
std::vector<std::string> durations(const std::string& playlist);

class AbrLadder : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return scratch_.path() + "/" + name; }
  std::string playlist(const std::string& name) const { return text_of(path(name + ".m3u8")); }
  std::string probe(const std::string& name, const std::string& what) const;
  size_t packets(const std::string& name) const;
  // Decode times of key frames, in seconds: their presentation times as well. (ffprobe moves the latter by
  // the largest negative composition offset.)
  std::vector<std::string> keys(const std::string& name) const;
  // EXT-X-STREAM-INF of the variant with this playlist.
  std::string variant(const std::string& name) const;
  // What ffmpeg complains of when it plays all of it.
  std::string complaints() const;
  void make(const std::string& rungs, const std::string& more = "");
  // Until its end. What comes before the pads is `hls`' own.
  void run(const std::string& launch);

  ScratchDirectory scratch_;
  int dropped_ = 0, failed_ = 0;
};

}  // namespace headgate::test

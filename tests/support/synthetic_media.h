// SPDX-License-Identifier: LGPL-2.1-or-later
// Parts as a phone's stream would give them, from real decoder configurations and made-up payload: H.264 of
// 25 frames a second, a key frame each second, and AAC at 48 kHz. The same seed gives the same bytes.
#pragma once

#include <cstdint>
#include <random>

#include <fmp4/packager.h>

namespace headgate::test {

struct SyntheticSettings {
  bool video = true, audio = true;
  bool other_config = false;  // another picture size
  uint32_t seed = 1;
  size_t video_bytes = 400, audio_bytes = 90;  // of a frame, about
  int64_t part_ms = 500, segment_ms = 2000;
};

class SyntheticMedia {
 public:
  // `start`: the first frame's time, kPartTimescale, a multiple of 3600. `utc_us`: when it is received; the
  // others follow by their times.
  SyntheticMedia(const SyntheticSettings& settings, int64_t start, int64_t utc_us);

  const fmp4::Presentation& presentation() const { return presentation_; }
  fmp4::Part next();
  // Media is lost: the next part begins a segment so much later. What was not in a part yet is lost too.
  void skip_ms(int64_t ms);

 private:
  void push_frame();
  fmp4::AccessUnit unit(codec::Kind kind, int64_t dts, int64_t pts, uint32_t duration, bool key);

  SyntheticSettings settings_;
  fmp4::Presentation presentation_;
  fmp4::Packager packager_;
  std::mt19937 random_;
  int64_t start_, utc_us_;
  int64_t frame_ = 0;        // video frames made
  int64_t audio_units_ = 0;  // audio frames made
  int64_t since_key_ = 0;    // video frames since the last key frame, itself included
};

}  // namespace headgate::test

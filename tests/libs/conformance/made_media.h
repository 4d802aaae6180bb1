// SPDX-License-Identifier: LGPL-2.1-or-later
// Fragmented MP4 made by hand, right or wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <base/bytes.h>

namespace headgate::test {

struct MadeTrack {
  uint32_t id = 1;
  bool video = true;
  uint32_t timescale = 90000;
  uint32_t width = 640, height = 360;
  uint16_t transfer = 0;  // of a colr box; 0: there is none
};
inline constexpr MadeTrack kVideo{1, true, 90000, 640, 360};
inline constexpr MadeTrack kAudio{2, false, 48000, 0, 0};

struct MadeInit {
  std::vector<MadeTrack> tracks{kVideo, kAudio};
  uint32_t duration = 0;  // of the movie and of each track
  bool mvex = true;
  uint32_t samples = 0;
};
// "avc1.64001e", "mp4a.40.2"
std::string made_init(const MadeInit& init = {});

struct MadeChunk {
  uint32_t track = 1;
  uint64_t time = 0;
  uint32_t samples = 50, duration = 3600;
  bool key = true;       // as it is flagged
  uint8_t nal_type = 5;  // of the first sample's slice
  uint32_t sample_bytes = 20;
  bool tfdt = true;
  bool base_offset = false;  // tfhd's base-data-offset
  int32_t shift = 0;         // of the run's data offset
  uint32_t later = 0;        // composition offset of the last sample
  uint32_t flagged = 0;      // number of one more sample that is flagged as a key frame; 0: none
  uint8_t flagged_type = 1;  // and of its slice
};
std::string made_chunk(const MadeChunk& chunk);
// 2 s of 25 pictures per second; and 94 frames of sound, 1.024 ticks of which are 2.005 s.
std::string made_segment(uint64_t number, bool with_sound = false);

}  // namespace headgate::test

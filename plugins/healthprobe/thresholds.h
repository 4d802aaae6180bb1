// SPDX-License-Identifier: LGPL-2.1-or-later
// From where on a stream's measures are wrong (docs/health.md). Times in ns.
#pragma once

#include <cstdint>

namespace headgate::healthprobe {

struct Thresholds {
  int64_t stall = 2'000'000'000;
  int64_t jump = 500'000'000;
  // 0 of any of these: never.
  int64_t late = 3'000'000'000;
  int64_t jumps = 5;  // and steps back, in kJumpsNs
  int64_t jitter = 200'000'000;
  int64_t bit_rate = 0;    // bit/s, of video: what is too little depends on the picture
  int64_t frame_rate = 5;  // 1/s, of video
  int64_t gop = 20'000'000'000;
  int64_t key_age = 30'000'000'000;
  int64_t drift = 185'000'000;  // ITU-R BT.1359-1: as far as late sound is put up with
  int64_t offset = 1'500'000'000;
};

}  // namespace headgate::healthprobe

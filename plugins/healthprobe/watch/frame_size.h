// SPDX-License-Identifier: LGPL-2.1-or-later
// How much of a frame says something of the picture.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace headgate::healthprobe {

// What NAL units of length-prefixed H.264 (ISO/IEC 14496-15, 5.3) or H.265 (8.3) begin with; nothing for
// other codecs.
struct NalFormat {
  bool h265 = false;
  uint8_t length_size = 4;  // 1, 2, 4 bytes
};

// Bytes of the frame without filler data, SEI and access unit delimiters (H.264: NAL unit types 12, 6, 9;
// H.265: 38, 39, 40, 35). All of them where the frame is not what the format says.
uint32_t said_bytes(std::span<const uint8_t> frame, const std::optional<NalFormat>& format);

// How small the small ones of the frames since the last key frame are, of their later half: behind a key
// frame that took more than its share, rate control has next to nothing left for some frames. Not
// thread-safe.
class Between {
 public:
  static constexpr size_t kMostFrames = 600;  // what comes after so many changes little
  void add(uint32_t bytes) {
    if (sizes_.size() < kMostFrames) sizes_.push_back(bytes);
  }
  // One in ten has no more bytes. Nothing when there was none. Empties.
  std::optional<uint32_t> take();

 private:
  std::vector<uint32_t> sizes_;
};

}  // namespace headgate::healthprobe

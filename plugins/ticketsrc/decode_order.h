// SPDX-License-Identifier: LGPL-2.1-or-later
// Decoding times of pictures that were sent in decoding order with presentation times only. ISO/IEC 13818-1
// (2.4.3.7) says that the two are equal then; with senders that send pictures out of order and leave DTS out,
// they are not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace headgate::ticketsrc {

// Pictures that come before one in decoding and behind it in presentation order (H.264 A.3.1, H.265 A.4.2).
inline constexpr size_t kMaxReorder = 16;
// Where derived times would stand still.
inline constexpr int64_t kLeastStepNs = 1'000'000;

// One video stream's. Nothing is held back: as long as presentation times grow, they are the decoding times.
// When one goes back, decoding times are from there on the presentation times in their order, as many
// pictures late as have been seen to be overtaken. Until they have caught up with what was given out before
// that, they grow by kLeastStepNs. Not thread-safe.
class DecodeOrder {
 public:
  // Of the next picture. `last_ns`: the decoding time that the one before was given.
  int64_t next(int64_t pts_ns, bool key, std::optional<int64_t> last_ns);
  void reset() { *this = DecodeOrder(); }  // a DTS was sent

 private:
  std::vector<int64_t> latest_;  // presentation times since the last jump, the largest ones, sorted
  size_t depth_ = 0;             // most pictures that one was seen to come behind too late
  int64_t step_ns_ = 0;          // between pictures, before the last jump
};

}  // namespace headgate::ticketsrc

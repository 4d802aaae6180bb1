// SPDX-License-Identifier: LGPL-2.1-or-later
// AV1 open bitstream units of the low-overhead format (AV1 specification, 5.3) and the sequence header (5.5).
#pragma once

#include <cstdint>
#include <optional>

#include <base/bytes.h>
#include <base/result.h>
#include <codec/track.h>

namespace headgate::codec {

inline constexpr unsigned kObuSequenceHeader = 1, kObuTemporalDelimiter = 2, kObuFrameHeader = 3,
                          kObuFrame = 6;

struct Obu {
  unsigned type = 0;
  Bytes whole;  // with its header
  Bytes payload;
};

class ObuReader {
 public:
  explicit ObuReader(Bytes obus) : rest_(obus) {}
  // Nothing: the end, or what is no OBU (ok() is then false). Without a size field it reaches to the end.
  std::optional<Obu> next();
  bool ok() const { return ok_; }

 private:
  Bytes rest_;
  bool ok_ = true;
};

struct Av1Sequence {
  unsigned profile = 0, level = 0, tier = 0;  // seq_level_idx and seq_tier of operating point 0
  unsigned bit_depth = 8;
  bool monochrome = false, subsampling_x = true, subsampling_y = true;
  unsigned chroma_position = 0;
  uint32_t width = 0, height = 0;  // the largest frame's
  uint32_t frame_rate_milli = 0;   // 0: no timing, or not at equal intervals
  Colour colour;
};

Result<Av1Sequence> parse_av1_sequence(Bytes payload);

}  // namespace headgate::codec

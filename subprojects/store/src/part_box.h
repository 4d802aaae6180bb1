// SPDX-License-Identifier: LGPL-2.1-or-later
// The `uuid` box (ISO/IEC 14496-12, 4.2) in front of every part: what run.jl will say of it, so that a file
// alone tells which segment each of its bytes belongs to (docs/archive.md, part box). Players pass over it.
#pragma once

#include <cstdint>
#include <optional>

#include <base/bytes.h>
#include <fmp4/packager.h>
#include <fmp4/reader.h>

#include "records.h"

namespace headgate::store {

inline constexpr size_t kMaxChunks = 16;
inline constexpr uint64_t kMaxPartBytes = 256u << 20;

struct PartBox {
  uint64_t msn = 0, dseq = 0;
  uint32_t index = 0;         // within the segment
  bool ends_segment = false;  // known to be its last; the last of a segment that was cut short does not know
  PartInfo part;
};

size_t part_box_size(size_t chunks);
// Replaces `out`.
void write_part_box(const PartBox& box, ByteVector& out);

// Goes through a media file part by part, from a part's first byte. Ends at the first byte that is not a
// whole part (its box and all its chunks, which must be as the box says) or at the end of `source`.
class PartWalker {
 public:
  // `source` must outlive the walker.
  PartWalker(const fmp4::Source& source, uint64_t offset) : source_(source), position_(offset) {}
  std::optional<PartBox> next();
  uint64_t position() const { return position_; }  // end of the last whole part

 private:
  const fmp4::Source& source_;
  uint64_t position_;
  ByteVector buffer_;
};

}  // namespace headgate::store

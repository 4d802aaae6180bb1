// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading back what init_segment() and Packager write: for recovery after a crash and for replay. Reads box
// headers and moof boxes, never payload. Any bytes may come in: every count is bounded by the bytes that are
// there, and what is not understood ends the walk with a reason.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>
#include <fmp4/packager.h>

namespace headgate::fmp4 {

inline constexpr uint64_t kMaxInitBytes = 64 * 1024;   // ftyp + moov
inline constexpr uint64_t kMaxMoofBytes = 256 * 1024;  // one track, one part
inline constexpr uint64_t kMaxBoxesSkipped = 64;       // free, styp, … between two chunks

// Bytes that may still grow. `read` fills `out` from `offset` and returns how many bytes it got, fewer at the
// end; an error ends the walk.
struct Source {
  std::function<Result<size_t>(uint64_t offset, std::span<std::byte> out)> read;
  uint64_t size = 0;  // as of now; nothing beyond is read
};
// Neither owns what it reads from.
Source source_of(Bytes bytes);
Result<Source> source_of_file(int fd);

struct InitInfo {
  Presentation presentation;
  uint64_t length = 0;  // of ftyp + moov: the first chunk's offset
};
// Error: not (or not wholly) an init segment of ours.
Result<InitInfo> read_init(const Source& source);

// One moof + mdat. Times in ticks of its track's timescale.
struct ChunkInfo {
  uint64_t offset = 0, length = 0;  // moof's first byte to mdat's last
  uint32_t track_id = 0;
  uint32_t sequence = 0;     // mfhd
  uint64_t decode_time = 0;  // tfdt
  uint32_t samples = 0;
  uint64_t duration = 0;     // sum of all samples'
  int64_t earliest_pts = 0;  // smallest decode time + composition offset
  bool first_is_sync = false;
  bool operator==(const ChunkInfo&) const = default;
};

enum class WalkEnd : uint8_t {
  complete,  // nothing follows the last chunk
  cut_off,   // the beginning of a chunk follows, its end is missing
  damaged,   // something else follows
};

class ChunkWalker {
 public:
  // From `offset`: InitInfo::length, or the end of any chunk. `source` must outlive the walker.
  ChunkWalker(const Source& source, uint64_t offset) : source_(source), position_(offset) {}
  // The next whole chunk; nothing when none follows: end() and reason() then say why, and asking again
  // changes nothing.
  std::optional<ChunkInfo> next();
  uint64_t position() const { return position_; }  // end of the last whole chunk
  WalkEnd end() const { return end_; }
  const std::string& reason() const { return reason_; }  // "at byte 1234: …"; empty when complete

 private:
  const Source& source_;
  uint64_t position_;
  WalkEnd end_ = WalkEnd::complete;
  std::string reason_;
  ByteVector buffer_;
};

// One of a chunk's samples. Times in ticks of its track's timescale.
struct SampleInfo {
  uint64_t offset = 0;  // in the source
  uint32_t size = 0;
  int64_t pts = 0;
  bool is_sync = false;
  int64_t dts = 0;
};
// In file order; `chunk` as a ChunkWalker over `source` gave it.
Result<std::vector<SampleInfo>> read_samples(const Source& source, const ChunkInfo& chunk);

}  // namespace headgate::fmp4

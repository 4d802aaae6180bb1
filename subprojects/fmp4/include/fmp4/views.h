// SPDX-License-Identifier: LGPL-2.1-or-later
// One track of media that was written with two: where its chunks lie in a segment, where the segment's first
// picture lies, and an init segment of its own. So each track can be sent alone, from the bytes that are
// there: single-track chunks behind a single-track init segment are a CMAF track (ISO/IEC 23000-19, 7.3).
// Reads box headers and moof boxes, never payload; any bytes may come in.
#pragma once

#include <cstdint>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>
#include <fmp4/reader.h>

namespace headgate::fmp4 {

inline constexpr size_t kMaxSegmentChunks = 4096;  // of both tracks

struct ByteRange {
  uint64_t offset = 0, length = 0;  // in the source
  bool operator==(const ByteRange&) const = default;
};

// Times in ticks of the track's timescale; all zero where the segment has nothing of the track.
struct TrackView {
  std::vector<ByteRange> chunks;  // in file order; neighbours are one range
  uint64_t bytes = 0;             // of all of them
  int64_t start = 0;              // earliest presentation time
  int64_t end = 0;                // where the last chunk's decode time ends
  bool operator==(const TrackView&) const = default;
};

struct SegmentView {
  TrackView video, audio;
  // From the first video chunk's first byte to the end of its first sample, when that is a key frame; its
  // moof tells of the chunk's other samples, too, of which a player then has none (RFC 8216, 4.3.3.6).
  // Length 0: the segment begins with none.
  ByteRange key_frame;
  bool operator==(const SegmentView&) const = default;
};

// Bytes [offset, offset + length) of `source`: whole parts, as a SegmentRecord tells. Error: they are
// something else, or end within a chunk.
Result<SegmentView> read_segment(const Source& source, uint64_t offset, uint64_t length);

// What init_segment() gives for one track of `init` (ftyp + moov, and nothing behind them that counts): the
// same bytes for the same init segment. Error: no init segment of ours, or it has no such track.
Result<ByteVector> single_track_init(Bytes init, codec::Kind kind);

}  // namespace headgate::fmp4

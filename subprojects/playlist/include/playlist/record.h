// SPDX-License-Identifier: LGPL-2.1-or-later
// What a stream's writer tells its listeners, in order: which run began, which init segment holds, where each
// part and each finished segment lies. The archiver pushes one encoded record per buffer
// (application/x-headgate-records), a worker passes them on to the origin, a reader makes them again from
// run.jl. Everything in a playlist is computed from these.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::playlist {

inline constexpr uint32_t kTimescale = 90000;  // of every pts and duration here
inline constexpr size_t kMaxRecordBytes = 16 * 1024;

// A new run: everything after it is discontinuous with what was before (unless it is the stream's first).
// Numbers go on where the last run's ended; a run that left no segment used up no discontinuity sequence.
struct RunRecord {
  std::string run;
  uint64_t first_msn = 0;               // media sequence number of its first segment
  uint64_t discontinuity_sequence = 0;  // of its first segment
  int64_t utc_us = 0;
  // No segment of the run is longer, in whole seconds rounded to the nearest: what EXT-X-TARGETDURATION
  // promises. 0: its writer promises nothing.
  uint32_t max_segment_ms = 0;
  // No part of the run lasts longer, but for a single frame that does: EXT-X-PART-INF's PART-TARGET. 0: its
  // writer promises nothing.
  uint32_t max_part_ms = 0;
  // Its first segment is dated no earlier, whenever it was received: players have been given something until
  // then. 0: nothing.
  int64_t dated_from_us = 0;
  bool operator==(const RunRecord&) const = default;
};

// The init segment for what follows: bytes [offset, offset+length) of `file`, id = first 16 hex digits of its
// SHA-256.
struct InitRecord {
  std::string id;
  std::string file;  // relative to the store's root, without ".part"
  uint64_t offset = 0, length = 0;
  std::string codecs;  // RFC 6381, comma-separated
  uint32_t width = 0, height = 0;
  uint32_t frame_rate_milli = 0;  // codec::Track's; 0: not known
  uint32_t channels = 0;          // 0: no audio
  uint32_t transfer = 0;          // kTransferPq or kTransferHlg; 0: another, or not known
  bool operator==(const InitRecord&) const = default;
};
// Transfer characteristics of pictures of high dynamic range (ISO/IEC 23091-2, 8.2).
inline constexpr uint32_t kTransferPq = 16, kTransferHlg = 18;
inline constexpr bool is_hdr(uint32_t transfer) {
  return transfer == kTransferPq || transfer == kTransferHlg;
}

struct ChunkRange {
  uint32_t track_id = 0;
  uint64_t offset = 0, length = 0;  // in the file
  bool operator==(const ChunkRange&) const = default;
};

// One part, as soon as its bytes can be read from the file.
struct PartRecord {
  uint64_t msn = 0;
  uint32_t index = 0;  // within the segment, from 0
  std::string file;
  uint64_t offset = 0, length = 0;
  std::vector<ChunkRange> chunks;
  int64_t pts = 0, duration = 0;
  int64_t utc_us = 0;
  bool independent = false;
  bool discontinuity = false;  // of its segment: EXT-X-DISCONTINUITY before it
  bool operator==(const PartRecord&) const = default;
};

// A finished segment: its parts are contiguous in one file.
struct SegmentRecord {
  uint64_t msn = 0;
  std::string file;
  uint64_t offset = 0, length = 0;
  int64_t pts = 0, duration = 0;
  int64_t utc_us = 0;
  std::string init_id;
  bool discontinuity = false;  // EXT-X-DISCONTINUITY before it
  bool independent = true;     // its first part is (false: cut without a key frame, or resumed after a gap)
  bool operator==(const SegmentRecord&) const = default;
};

// Media is missing here (archive record `gap`); no segment number is used up.
struct GapRecord {
  std::string reason;
  int64_t from_pts = 0, to_pts = 0;
  int64_t from_utc_us = 0, to_utc_us = 0;
  bool operator==(const GapRecord&) const = default;
};

// Whether run `name` was opened after run `other` of the same station: their names tell, whatever the clock
// did (docs/archive.md). Neither is later than the other when they are the same.
bool is_later_run(std::string_view name, std::string_view other);

struct EndRecord {  // of the run, not of the stream
  std::string reason;
  bool operator==(const EndRecord&) const = default;
};

enum class RenditionState : uint8_t {
  idle,     // nobody asks for it: it is encoded when somebody does
  running,  // it is being encoded, or about to be
  paused,   // the machine cannot encode it now
};

// Of a derived rendition, before its other records and whenever it changes: what it is, whether or not it is
// being encoded. Nothing of it is on disk.
struct RenditionRecord {
  RenditionState state = RenditionState::running;
  bool on_demand = false;  // becomes idle by itself
  std::string codecs;      // as InitRecord's
  uint32_t width = 0, height = 0;
  uint32_t frame_rate_milli = 0;
  uint32_t channels = 0;
  uint32_t bandwidth = 0, average_bandwidth = 0;  // bit/s that its encoder keeps; 0: not known
  bool operator==(const RenditionRecord&) const = default;
};

using Record =
    std::variant<RunRecord, InitRecord, PartRecord, SegmentRecord, GapRecord, EndRecord, RenditionRecord>;

inline constexpr size_t kMaxText = 4096;            // bytes of one text; encode() cuts what is longer
inline constexpr size_t kMaxChunksOfPart = 64;      // likewise chunks
inline constexpr uint64_t kMaxBytes = 1ull << 40;   // length of a part or segment
inline constexpr uint64_t kMaxNumber = 1ull << 60;  // offsets and sequence numbers
inline constexpr int64_t kMaxTime = 1ll << 56;      // times either way; a duration is at most 2^40 ticks
inline constexpr int64_t kMaxDuration = 1ll << 40;
inline constexpr uint32_t kMaxSegmentMs = 3'600'000;  // of a promise, also of parts

// Appends one record: a version byte, a type byte, big-endian fields, texts behind a 16-bit length. At most
// kMaxRecordBytes.
void encode(const Record& record, ByteVector& out);
// `bytes` is exactly one record. Refuses another version, left-over bytes, and numbers beyond the limits
// above.
Result<Record> decode(Bytes bytes);

}  // namespace headgate::playlist

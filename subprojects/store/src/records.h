// SPDX-License-Identifier: LGPL-2.1-or-later
// The records of run.jl that are read back (docs/archive.md, records): their fields, as written and as read.
// Times: pts, dur in kPartTimescale on the stream's timeline; utc, mono in microseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <base/json_line.h>
#include <playlist/record.h>

namespace headgate::store {

inline constexpr int kMaxRecordDepth = 8;                // the record itself is at 1
inline constexpr int64_t kMaxNumber = int64_t{1} << 60;  // of anything read back: sums and differences fit
inline constexpr size_t kMaxReasonBytes = 200;

// {"v":1,"n":<n>,"t":"<t>",…,"p":"<p>"}: read without a JSON parser, since every line's bytes are ours.
struct LineHead {
  uint64_t n = 0;
  std::string_view type;
  std::string_view p;  // 64 hex digits; empty on a volume without chains
};
std::optional<LineHead> parse_line_head(std::string_view line);

// Where a stream stands between two runs.
struct Continuation {
  std::string run;         // the latest run; empty: the stream's first is yet to come
  int64_t base = 0;        // its timeline's start
  int64_t utc_us = 0;      // its `open`
  uint64_t next_msn = 0;   // of the next run's first segment
  uint64_t next_dseq = 0;  // likewise
  bool any_media = false;  // in any run so far
  int64_t end_pts = 0;     // of the last media, when any
  int64_t end_utc_us = 0;  // likewise
  bool crashed = false;    // the latest run did not end by itself
  bool operator==(const Continuation&) const = default;
};

struct OpenLine {
  std::string run, previous_run;
  uint32_t event = 0, station = 0;
  int64_t utc_us = 0, base = 0;
  uint64_t msn = 0, dseq = 0;
  bool any_media = false;  // before this run
  int64_t end_pts = 0, end_utc_us = 0;
  uint32_t max_segment_ms = 0, max_part_ms = 0;  // 0: not promised
  uint64_t filled = 0;        // numbers of segments before its first that players were given (store/fill.h)
  int64_t filled_utc_us = 0;  // until when, as these were dated
};

struct FileLine {
  uint32_t file = 0;
  std::string init_sha;  // hex
  uint64_t length = 0;
  std::string codecs;
  uint32_t width = 0, height = 0, frame_rate_milli = 0, channels = 0;
  uint32_t transfer = 0;                           // of HDR, as playlist::InitRecord has it
  std::string video_config_sha, audio_config_sha;  // hex; written, not read back
};

// One part of a segment, as `frag` and the part's own box have it.
struct PartInfo {
  uint64_t offset = 0, length = 0;  // in the file, with its box
  int64_t pts = 0, duration = 0;
  int64_t utc_us = 0;
  bool independent = false;
  std::vector<playlist::ChunkRange> chunks;  // offsets in the file
};

struct FragLine {
  uint32_t file = 0;
  uint64_t offset = 0, length = 0;
  std::string sha, frame_sha;  // hex; empty where not kept
  int64_t pts = 0, duration = 0;
  uint32_t key_frames = 0, frames = 0;
  int64_t utc_us = 0, mono_us = 0;
  uint64_t msn = 0, dseq = 0;
  std::vector<PartInfo> parts;
};

struct GapLine {
  std::string reason;
  int64_t from_pts = 0, to_pts = 0, from_utc_us = 0, to_utc_us = 0;
};

struct CloseLine {
  uint32_t file = 0;
  uint64_t size = 0;
  std::string sha, index_sha;  // hex; empty where not kept
};

struct IoLine {
  bool broken = false;  // the volume takes no sync any more: what was not durable has no record
};

struct RunTotals {
  uint64_t segments = 0, frames = 0, bytes = 0, gaps = 0;
  int64_t ms = 0;  // of media recorded
};

struct EndLine {
  std::string reason;
  int64_t utc_us = 0;
  RunTotals totals;
  Continuation next;  // without run, base, utc_us
};

using Line = std::variant<OpenLine, FileLine, FragLine, GapLine, CloseLine, IoLine, EndLine>;

// The type's own fields, in their order, into `json`. (`open` has more: run_writer.cpp.)
void put(JsonLine& json, const FileLine& line);
void put(JsonLine& json, const FragLine& line);
void put(JsonLine& json, const GapLine& line);
void put(JsonLine& json, const CloseLine& line);
void put(JsonLine& json, const EndLine& line);

// Nothing: another type, or a line whose fields are not as they must be.
std::optional<Line> parse_line(std::string_view line);

}  // namespace headgate::store

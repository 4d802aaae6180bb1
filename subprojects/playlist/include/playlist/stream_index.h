// SPDX-License-Identifier: LGPL-2.1-or-later
// One stream's window of segments, fed by records in order, and the playlists computed from it (RFC 8216 and
// draft-pantos-hls-rfc8216bis). Pure: no clock, no I/O. Feeding a record twice (from disk and from a live
// writer) changes nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include <playlist/record.h>

namespace headgate::playlist {

inline constexpr size_t kPartSegments = 3;
inline constexpr size_t kMaxParts = 1024;  // remembered; the oldest leave

struct IndexSettings {
  int64_t window_ms = 0;   // segments older than this from the live edge leave; 0: everything stays
  uint32_t target_ms = 0;  // EXT-X-TARGETDURATION to promise from the start, rounded up to seconds; it may
                           // only grow between runs. 0: 4 s
};

struct Segment {
  SegmentRecord record;
  uint64_t discontinuity_sequence = 0;
  // False: the numbers jumped here (segments are missing that nobody told of), so a live playlist cannot
  // reach back over it.
  bool continues = true;
  // EXT-X-PROGRAM-DATE-TIME: receipt of the first byte at a discontinuity, from there on by media time, so
  // that it never contradicts the durations.
  int64_t program_utc_us = 0;
};

// Feed it oldest first. What was already told (a segment number not above the last, a run not newer than the
// last) is passed over. A newer run that begins below the numbers already used (its writer lost the archive)
// starts the index over: better than a stream that stands still until the numbers catch up.
class StreamIndex {
 public:
  explicit StreamIndex(IndexSettings settings = {});
  void add(const Record& record);

  const std::deque<Segment>& segments() const { return segments_; }
  const std::map<std::string, InitRecord>& inits() const { return inits_; }
  const InitRecord* newest_init() const;
  const Segment* find_segment(uint64_t msn) const;
  // Of the open segment and the kPartSegments finished before it.
  const PartRecord* find_part(uint64_t msn, uint32_t index) const;
  std::optional<uint64_t> next_msn() const;      // nothing before the first run or segment
  bool run_open() const { return run_open_; }    // between RunRecord and EndRecord
  uint64_t version() const { return version_; }  // grows with every change that a playlist shows
  uint32_t target_seconds() const { return target_seconds_; }
  // Over segments(), bit/s; 0 without any. Peak: of any run of segments lasting 0.5 to 1.5 target durations
  // (RFC 8216, 4.3.4.2).
  uint32_t bandwidth() const;
  uint32_t average_bandwidth() const;

 private:
  void on(const RunRecord& run);
  void on(const InitRecord& init);
  void on(const PartRecord& part);
  void on(const SegmentRecord& segment);
  void on(const GapRecord& gap);
  void on(const EndRecord& end);
  void evict();
  void forget_front();

  IndexSettings settings_;
  std::deque<Segment> segments_;
  std::map<std::string, InitRecord> inits_;
  std::string newest_init_;
  std::deque<PartRecord> parts_;  // in order
  std::optional<RunRecord> run_;  // the newest
  std::optional<uint64_t> next_msn_;
  uint64_t discontinuity_sequence_ = 0;  // of the newest segment, or of the run when it has none yet
  bool run_has_segments_ = false;
  bool run_open_ = false;
  uint64_t version_ = 0;
  uint32_t target_seconds_;
};

}  // namespace headgate::playlist

// SPDX-License-Identifier: LGPL-2.1-or-later
// One stream's segments, fed by records in order: what playlists are computed from (RFC 8216 and
// draft-pantos-hls-rfc8216bis). Pure: no clock, no I/O. Feeding a record twice (from disk and from a live
// writer) changes nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <playlist/record.h>

namespace headgate::playlist {

// Parts are listed for so many target durations from the end, and remembered for so many: what is not listed
// any more stays to be had for as long again (RFC 8216bis, 6.2.2).
inline constexpr int64_t kListedPartTargets = 3;
inline constexpr int64_t kPartTargets = 2 * kListedPartTargets;
inline constexpr size_t kMaxParts = 1024;                  // remembered in all; the oldest leave
inline constexpr uint64_t kMaxSkippedDiscontinuities = 8;  // told by as many tags; beyond, the numbers jumped

// Times that are so near to one another are the same where a rendition is held against its source, or parts
// against their segment; what is shorter by more has a hole.
inline constexpr int64_t kHoleTicks = kTimescale / 10;
// Frames of sound reach so far over the cuts of its pictures.
inline constexpr int64_t kFrameTicks = kTimescale / 20;

struct IndexSettings {
  // What the index holds, and what a live playlist lists of it: segments leave while the rest is still as
  // long, counted in media time. 0: everything stays.
  int64_t window_ms = 0;
  int64_t live_ms = 60'000;  // at least three target durations stay listed (RFC 8216, 6.2.2)
};

// EXT-X-TARGETDURATION of a stream whose writer promises nothing.
inline constexpr uint32_t kDefaultTargetSeconds = 4;

struct Segment {
  SegmentRecord record{};  // without bytes: a gap (EXT-X-GAP); with `init_id` if parts of it are there
  uint64_t discontinuity_sequence = 0;
  // False: the numbers jumped here (segments are missing that nobody told of), so a live playlist cannot
  // reach back over it.
  bool continues = true;
  // EXT-X-PROGRAM-DATE-TIME: receipt of the first byte at a discontinuity (RunRecord::dated_from_us, if that
  // is later), from there on by media time, so that it never contradicts the durations. 0: not known.
  int64_t program_utc_us = 0;
};

// Feed it oldest first. Passed over: what was already told (a segment number not above the last, a run whose
// name does not come after the last one's and what follows it), a segment whose init segment nobody told of,
// and a record with numbers that cannot be. A newer run that begins below the numbers already used (its
// writer lost the archive) starts the index over: better than a stream that stands still until the numbers
// catch up.
class StreamIndex {
 public:
  explicit StreamIndex(IndexSettings settings = {});
  void add(const Record& record);

  // Of a derived rendition (rendition_index.h), whose own InitRecords and PartRecords go through add(), and
  // whose runs, dates and discontinuities are its source's.
  // What was derived from segments that the source has no more goes: the source has started over.
  void mirror_start(const StreamIndex& source);
  // Parts of segment `msn` follow.
  void mirror_run(const StreamIndex& source, uint64_t msn);
  // A segment of the source's, and the rendition's own; null: it has none, a gap.
  void mirror(const StreamIndex& source, const Segment& of_source, const SegmentRecord* own);
  // What the rendition has not of a part of the source's, behind all that it lists of that segment: a part
  // without bytes, which lasts `duration` (EXT-X-PART's GAP=YES).
  void mirror_gap_part(const StreamIndex& source, const PartRecord& of_source, int64_t duration);
  // Whether the rendition's own run is open: it comes after its source, and goes on behind the end of that.
  void mirror_open(bool open);

  const std::deque<Segment>& segments() const { return segments_; }
  // Where in segments() a live playlist begins; only ever moves on.
  size_t live_begin() const { return live_begin_; }
  const std::map<std::string, InitRecord>& inits() const { return inits_; }
  const InitRecord* newest_init() const;  // of the newest segment, or the one told last
  const Segment* find_segment(uint64_t msn) const;
  // Of the open segment and the finished ones within kPartTargets.
  const PartRecord* find_part(uint64_t msn, uint32_t index) const;
  // All parts of a segment, in order; none also where not all are known. Those without bytes are gaps.
  std::span<const PartRecord> parts_of(uint64_t msn) const;
  // The segment that is being written, as far as its parts tell: where it would stand in segments(), the
  // duration of what there is before a gap: without bytes, nothing. None while it has no part.
  std::optional<Segment> open_segment() const;
  // The first segment whose parts are listed: it begins within kListedPartTargets of the end. Only moves on.
  uint64_t listed_parts_begin() const { return listed_parts_begin_; }
  // EXT-X-PART-INF: the longest part that the runs promise. 0: they promise nothing. Like the target
  // duration it does not change as long as later runs promise no more.
  uint32_t part_target_ms() const { return part_target_ms_; }
  std::optional<uint64_t> next_msn() const { return next_msn_; }  // nothing before the first run or segment
  bool run_open() const { return run_open_; }                     // between RunRecord and EndRecord
  // Grows with every change that a playlist shows; and with those that one without parts shows.
  uint64_t version() const { return version_ + parts_version_; }
  uint64_t segments_version() const { return version_; }
  // Grows when the index starts over. What was made of a segment holds as long as this stays.
  uint64_t epoch() const { return epoch_; }
  // EXT-X-TARGETDURATION: what the runs promise, rounded up to seconds. It must not change while a playlist
  // is played (RFC 8216bis, 6.2.1), and does not as long as writers keep their promises and later ones
  // promise no more. Without a promise it is kDefaultTargetSeconds, and grows with the longest segment.
  uint32_t target_seconds() const { return target_seconds_ != 0 ? target_seconds_ : kDefaultTargetSeconds; }
  // Every segment so far has been: EXT-X-INDEPENDENT-SEGMENTS. Once false it stays so, so that a playlist
  // promises less at most once, and nothing that it takes back.
  bool independent() const { return independent_; }
  // Over segments(), bit/s; 0 without any. Peak: of any neighbouring segments that last 0.5 to 1.5 target
  // durations together (RFC 8216, 4.3.4.2).
  uint32_t bandwidth() const;
  uint32_t average_bandwidth() const;

 private:
  void on(const RunRecord& run);
  void finish_open_segment(const RunRecord& next);
  void on(const InitRecord& init);
  void on(const PartRecord& part);
  void on(const SegmentRecord& segment);
  void on(const GapRecord& gap);
  void on(const EndRecord& end);
  void on(const RenditionRecord&) {}
  Segment placed(const SegmentRecord& record) const;
  void append(Segment segment);
  void date(Segment& segment, const Segment* last);
  std::optional<int64_t> date_by_media(const Segment& segment, const Segment* last) const;
  int64_t date_by_receipt(const SegmentRecord& record) const;
  void finish_parts(const SegmentRecord& record);
  uint64_t begin_within(int64_t targets) const;
  void start_over();
  void slide();
  void remove_front();

  IndexSettings settings_;
  std::deque<Segment> segments_;
  int64_t total_ = 0, live_total_ = 0;  // durations of segments_, and of those from live_begin_ on
  size_t live_begin_ = 0;
  std::map<std::string, InitRecord> inits_;
  std::string newest_init_;
  // In order; of each segment the first ones, without a hole. What is behind a gap is one, too.
  std::vector<PartRecord> parts_;
  uint64_t listed_parts_begin_ = 0;
  std::optional<RunRecord> run_;  // the newest
  bool repeating_ = false;        // what comes belongs to an older run
  uint64_t mirrored_epoch_ = 0;   // of the source
  bool run_has_segments_ = false;
  bool run_open_ = false;
  std::optional<uint64_t> next_msn_;
  uint64_t version_ = 0, parts_version_ = 0, epoch_ = 0;
  uint32_t target_seconds_ = 0;  // 0: no run yet
  uint32_t part_target_ms_ = 0;  // 0: nothing promised
  bool independent_ = true;
  // Dates of the segments since the last discontinuity go by media time from here.
  int64_t dated_pts_ = 0, dated_utc_us_ = 0;
};

}  // namespace headgate::playlist

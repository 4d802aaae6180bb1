// SPDX-License-Identifier: LGPL-2.1-or-later
// Periods of a DASH manifest that players poll, and what is in them. A Period keeps its Representations
// (DASH-IF IOP; Shaka Player looks at no other ones, and at those to its end), and nothing that was listed is
// taken back. So a Period ends where the stream has a discontinuity, and where a rendition stops being made
// or begins to be: the first segment that nobody was told of begins the next one, and is told when all
// renditions that are to be in that have it, or are too late; one that was waited for in vain for kDashBehind
// segments is waited for again when something has come of it. In the Period before, a rendition ends where it
// was interrupted; one that was late alone is listed there as far as that Period goes, when it comes.
//
// So it is with sound: a Period's first segment, while it is being written, is not told before it has some,
// if the stream has.
//
// None is shorter than kLeastDashPeriod: what a run leaves behind such a change, a frame perhaps, is listed
// nowhere. Players look for what they play next in steps, and find nothing in it (dash.js goes on by 0.3 s
// from a Period's beginning where sound begins a moment after it, and stands until the Period has left).
//
// What nobody was told of yet, and is so old that it is certain, is divided where renditions changed.
//
// Likewise a Period begins where the sender's clock and the node's have come apart: MPD@availabilityStartTime
// never moves (ISO/IEC 23009-1, 5.4), so what a Period says of when its segments can be had is put right. Of
// a clock that is slow by Period@start, behind a hole; of one that is fast by an offset, because what was
// listed before is not cut short.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <playlist/rendition_index.h>
#include <playlist/stream_index.h>

namespace headgate::playlist {

// A rendition made from the stream: video alone, with the stream's own numbers and discontinuities.
struct DashRendition {
  std::string name;  // its folder under DashSettings::base
  const StreamIndex* index = nullptr;
  bool running = true;  // it is being made, or about to be
  // What `index` has not, and which segment it is in (RenditionIndex); null: it has all.
  const RenditionIndex* of = nullptr;
  // bit/s. Players keep what a Period's Representation says first: not less than its encoder may give.
  uint32_t bandwidth = 0;
};
// A rendition that has not what the stream had so many segments ago is not being made.
inline constexpr size_t kDashBehind = 2;
// A Period's first segment is held back for its renditions until so many more of the stream are finished;
inline constexpr size_t kDashPatience = 1;
// but where what is being written is listed, and the stream goes on, until it has so many parts: who begins
// to play goes by the clock to a place five part targets (kDashLatencyParts) behind the live edge, and finds
// nothing there if the Period that it is of is held back for longer (dash.js stays in the one before).
inline constexpr size_t kDashPatienceParts = 3;
// Ticks by which a live segment can be had earlier or later than the manifest says; beyond, a Period begins.
// A connection that stood still is late for a while, a clock for good: the least late of so many segments
// counts.
inline constexpr int64_t kMaxDashDrift = 5 * kTimescale;
inline constexpr size_t kDashDriftSegments = 8;

// Ticks.
inline constexpr int64_t kLeastDashPeriod = kTimescale / 2;

struct DashPeriod {
  struct Member {
    std::string name;
    uint64_t until = 0;  // it has all segments from the Period's first one, or what is left of them, to here
  };
  std::string id;
  uint64_t first_msn = 0;
  uint64_t end_msn = 0;  // behind its last one that is listed
  int64_t pts = 0;       // of the first one, as it was told first
  int64_t shift = 0;     // presentation time of a media time, less that
  int64_t ahead = 0;     // its segments can be had so much earlier than that says; never negative
  uint64_t discontinuity_sequence = 0;
  std::string init_id;
  std::vector<Member> members;  // renditions, besides the stream itself
};

class DashPeriods {
 public:
  // Of one manifest.
  struct Now {
    std::span<const Segment* const> segments{};  // to be listed, in order
    bool open = false;                           // the last of them is being written
    size_t open_parts = 0;                       // and has so many
    bool open_begins = true;                     // and a Period may begin with it
    bool early = false;                          // what is being written is listed, of renditions too
    bool ended = false;                          // nothing follows
    uint64_t epoch = 0;                          // StreamIndex::epoch()
    int64_t zero_utc_us = 0;  // MPD@availabilityStartTime; 0: not known, and drift is not looked at
    std::span<const DashRendition> renditions{};
  };
  void take(const Now& now);
  // Those with a segment that is listed, in order.
  const std::deque<DashPeriod>& periods() const { return periods_; }
  // A segment is listed, in one of them.
  bool lists(uint64_t msn) const;
  // The manifest is another stream's.
  void forget() { *this = {}; }

 private:
  struct Candidate;
  bool place(const Now& now, size_t i);
  enum class Length { enough, short_so_far, too_short };
  static Length length_from(const Now& now, size_t i);
  static bool may_wait(const Now& now, size_t i, bool breaks);
  std::vector<Candidate> candidates(const Now& now, const Segment& segment, bool breaks, bool settled) const;
  struct Clock {
    int64_t shift = 0, ahead = 0;       // as DashPeriod has them
    std::optional<int64_t> told_end{};  // presentation time up to which segments were told
  };
  // Of a rendition.
  struct Heard {
    uint64_t at = 0;       // the segment that it was in, or the next one when it began to be made
    bool running = false;  // it was
    bool in_vain = false;  // nothing has come of it for more than kDashBehind segments
  };
  void hear(const Now& now);
  void follow(const Now& now, DashPeriod& period) const;
  std::optional<Clock> another_clock(const Now& now, size_t i) const;
  void begin(const Segment& segment, const std::vector<Candidate>& members);
  void list(const Segment& segment);

  std::deque<DashPeriod> periods_;
  uint64_t next_ = 0;
  uint64_t epoch_ = 0;
  Clock clock_;                         // of the last Period
  std::map<std::string, Heard> heard_;  // by name
};

// What a rendition has of segment `msn`, in the Period that it is in: finished, or, if `early`, cut off or
// what is being written of it. None: nothing.
std::optional<SegmentRecord> dash_segment(const DashRendition& rendition, uint64_t msn,
                                          uint64_t discontinuity_sequence, bool early);
// That is being written, and will be longer.
bool grows(const DashRendition& rendition, uint64_t msn);

}  // namespace headgate::playlist

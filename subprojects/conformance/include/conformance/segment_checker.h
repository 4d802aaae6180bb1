// SPDX-License-Identifier: LGPL-2.1-or-later
// One media playlist's segments and parts, one after the other: what they hold, whether they continue each
// other, whether the playlist says the truth about them (draft-pantos-hls-rfc8216bis-22, 3 and 4.4.4). Also
// measures what the multivariant playlist promises. fMP4 without encryption; anything else is told as not
// checked.
#pragma once

#include <deque>
#include <map>
#include <set>

#include <conformance/fragments.h>
#include <conformance/m3u8.h>

namespace headgate::conformance {

inline constexpr Micros kTimeBackSlack = 10'000;
inline constexpr Micros kTimeHoleSlack = 50'000;
inline constexpr Micros kDurationSlack = 100'000;
inline constexpr Micros kSoundSlack = 250'000;  // of sound alone, which is cut where the pictures are
inline constexpr size_t kMaxMeasured = 4096;    // segments that are remembered, the newest
inline constexpr size_t kMaxPartsKept = 64;     // segments whose parts wait for it

struct Measured {  // one segment
  uint64_t msn = 0, discontinuity = 0;
  Micros duration = 0;  // EXTINF
  uint64_t bytes = 0;
  std::optional<Micros> start;  // earliest presentation time of its video, or else of its sound
  std::optional<Micros> date;
};

// Bits per second (4.1).
struct Rates {
  double peak = 0;  // of contiguous segments that last 0.5 to 1.5 target durations (4.4.6.2)
  double average = 0;
};

class SegmentChecker {
 public:
  struct Context {
    bool independent = false, iframes_only = false;
  };
  bool has_init(const Resource& map) const { return inits_.contains(to_string(map)); }
  Findings take_init(const Resource& map, Bytes bytes);
  // In order of their numbers; some may be left out. `bytes`: of its range only.
  Findings take_segment(const Segment& segment, Context context, Bytes bytes);
  // Before its segment. `parent`: as it is listed so far.
  Findings take_part(const Segment& parent, size_t index, Bytes bytes);

  const std::deque<Measured>& measured() const { return measured_; }
  const std::set<std::string>& codecs() const { return codecs_; }  // of all initialisation sections
  bool has_video() const { return video_.has_value(); }
  const MediaTrack* video() const { return video_ ? &*video_ : nullptr; }  // the newest
  double frame_rate() const;                                               // 0: not known
  Rates rates(uint64_t target_s) const;

 private:
  struct Clock {  // where a track goes on
    int64_t next = 0;
    uint32_t timescale = 1;
  };
  struct Sum {  // of a track's samples
    uint64_t samples = 0, bytes = 0;
    int64_t begin = 0, duration = 0;
    bool operator==(const Sum&) const = default;
  };
  using Sums = std::map<uint32_t, Sum>;
  struct Parts {
    size_t count = 0;  // 0 to count - 1 were taken, without one missing
    Sums sums;
  };
  static Sums sums_of(const MediaSegment& media);
  const MediaInit* init_of(const Segment& segment) const;
  bool readable(const Segment& segment, Bytes bytes, Findings& findings);
  void continuity(const Segment& segment, const MediaSegment& media, const MediaInit& init,
                  Findings& findings);
  void key_frames(const Segment& segment, const MediaSegment& media, const MediaInit& init,
                  const Context& context, Findings& findings) const;
  void compare_parts(const Segment& segment, const MediaSegment& media, Findings& findings);
  void durations(const Segment& segment, const MediaSegment& media, const MediaInit& init, Measured& measured,
                 Findings& findings);
  void bitrate(const Segment& segment, uint64_t bytes, Findings& findings) const;

  std::map<std::string, MediaInit> inits_;
  std::optional<MediaTrack> video_;
  std::set<std::string> codecs_;
  std::deque<Measured> measured_;
  std::map<uint32_t, Clock> clocks_;
  std::vector<std::pair<uint32_t, TrackKind>> tracks_;  // of the last segment
  std::optional<uint64_t> last_msn_;
  std::map<uint64_t, Parts> parts_;
  uint64_t frames_ = 0;
  Micros framed_ = 0;  // how long they last
};

}  // namespace headgate::conformance

// SPDX-License-Identifier: LGPL-2.1-or-later
// One Representation's segments against what the MPD says of them (ISO/IEC 23009-1:2022, 5.3.9, 6.3).
#pragma once

#include <deque>
#include <map>

#include <conformance/fragments.h>
#include <conformance/mpd.h>

namespace headgate::conformance {

inline constexpr Micros kMpdTimeSlack = 50'000;
inline constexpr Micros kMpdDurationSlack = 100'000;
inline constexpr double kMpdRateSlack = 1.10;

// What an MPD said of a segment when it was first in one.
struct ListedSegment {
  MpdSegment segment;
  uint64_t promised = 0;  // the bandwidth of its Representation
  bool open = false;      // it was being written: its duration is a forecast
};

// `one`'s segment `segment` as it is in it.
ListedSegment listed(const MpdRepresentation& one, const MpdSegment& segment);

class DashMedia {
 public:
  Findings take_init(const MpdRepresentation& one, Bytes bytes);
  bool has_init() const { return init_.has_value(); }
  // In order; some may be left out. `one` may be of a later MPD than `was`; `min_buffer`: MPD@minBufferTime.
  Findings take_segment(const MpdRepresentation& one, const ListedSegment& was, Micros min_buffer,
                        Bytes bytes);

 private:
  void times(const MpdRepresentation& one, const ListedSegment& was, const MediaSegment& media,
             Findings& findings);
  void rate(const MpdRepresentation& one, const ListedSegment& was, Micros min_buffer, size_t bytes,
            Findings& findings);

  std::optional<MediaInit> init_;
  std::optional<uint64_t> expected_;  // where the next segment begins, by the MPD
  std::map<uint32_t, int64_t> next_;  // and by the media, per track
  struct Sent {
    Micros lasts = 0;
    double bits = 0;
    uint64_t promised = 0;
  };
  std::deque<Sent> rates_;  // the newest segments
};

}  // namespace headgate::conformance

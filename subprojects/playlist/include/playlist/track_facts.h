// SPDX-License-Identifier: LGPL-2.1-or-later
// What records do not say of a segment, and its boxes do: how much of it belongs to which track, where its
// first picture ends, when its audio begins. Playlists of one track are computed from a StreamIndex and
// these.
#pragma once

#include <cstdint>
#include <map>

#include <playlist/record.h>

namespace headgate::playlist {

struct SegmentFacts {
  uint64_t offset = 0;           // of the segment in its file: what it was read from
  uint32_t video_bytes = 0;      // of its chunks; 0: it has none
  uint32_t audio_bytes = 0;      // likewise
  uint32_t key_offset = 0;       // from the segment's first byte to the chunk that begins with a key frame
  uint32_t key_length = 0;       // to the end of that picture; 0: the segment begins with none
  uint32_t audio_timescale = 0;  // of the last two; 0: no audio
  // Where its sound is not as long as its pictures: how long its first parts last, kTimescale, that playlists
  // had listed before it ended, and that do not change any more. 0: none, or they are right as they are.
  uint32_t told = 0;
  int64_t audio_start = 0, audio_end = 0;
  bool operator==(const SegmentFacts&) const = default;
};

// By media sequence number.
class TrackFacts {
 public:
  void put(uint64_t msn, const SegmentFacts& facts) { facts_[msn] = facts; }
  // Null: not known. A number that was used again (StreamIndex) has not the facts of the segment before.
  const SegmentFacts* find(const SegmentRecord& segment) const {
    const auto found = facts_.find(segment.msn);
    return found != facts_.end() && found->second.offset == segment.offset ? &found->second : nullptr;
  }
  void forget_before(uint64_t msn) { facts_.erase(facts_.begin(), facts_.lower_bound(msn)); }
  size_t size() const { return facts_.size(); }

 private:
  std::map<uint64_t, SegmentFacts> facts_;
};

}  // namespace headgate::playlist

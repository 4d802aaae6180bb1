// SPDX-License-Identifier: LGPL-2.1-or-later
// Records for tests, short to write.
#pragma once

#include <string>

#include <playlist/record.h>

namespace headgate::test {

inline constexpr int64_t kSecond = playlist::kTimescale;
inline constexpr int64_t kUtc = 1'763'701'200'000'000;  // 2025-11-21T05:00:00Z

inline playlist::RunRecord run(const std::string& name, uint64_t first_msn, uint64_t discontinuity_sequence,
                               int64_t utc_us = kUtc, uint32_t max_segment_ms = 0, uint32_t max_part_ms = 0) {
  return {name, first_msn, discontinuity_sequence, utc_us, max_segment_ms, max_part_ms};
}

inline playlist::InitRecord init(const std::string& id, const std::string& file) {
  playlist::InitRecord record;
  record.id = id;
  record.file = file;
  record.length = 1200;
  record.codecs = "avc1.64001f,mp4a.40.2";
  record.width = 1280;
  record.height = 720;
  record.frame_rate_milli = 29970;
  record.channels = 2;
  return record;
}

// `from` and `length` in seconds; 250,000 bytes a second.
inline playlist::SegmentRecord segment(uint64_t msn, double from, double length = 2,
                                       const std::string& init_id = "aa",
                                       const std::string& file = "r1/0.mp4") {
  playlist::SegmentRecord record;
  record.msn = msn;
  record.file = file;
  record.offset = 1200 + msn * 500'000;
  record.length = static_cast<uint64_t>(length * 250'000);
  record.pts = static_cast<int64_t>(from * kSecond);
  record.duration = static_cast<int64_t>(length * kSecond);
  record.utc_us = kUtc + static_cast<int64_t>(from * 1e6);
  record.init_id = init_id;
  return record;
}

inline playlist::PartRecord part(uint64_t msn, uint32_t index) {
  playlist::PartRecord record;
  record.msn = msn;
  record.index = index;
  record.file = "r1/0.mp4";
  record.offset = 1200 + msn * 500'000 + index * 125'000;
  record.length = 125'000;
  record.chunks = {{1, record.offset, 100'000}, {2, record.offset + 100'000, 25'000}};
  record.pts = static_cast<int64_t>(msn) * 2 * kSecond + index * kSecond / 2;
  record.duration = kSecond / 2;
  record.utc_us = kUtc + record.pts * 100 / 9;
  record.independent = index == 0;
  return record;
}

}  // namespace headgate::test

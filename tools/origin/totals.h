// SPDX-License-Identifier: LGPL-2.1-or-later
// What a stream's records add up to. Like StreamIndex, what was already told is passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <playlist/record.h>

namespace headgate::origin {

struct Totals {
  // Of what came before the first record: counted apart, and later (Archive::sum).
  struct Before {
    uint64_t runs = 0, gaps = 0;
    int64_t duration = 0;
    std::optional<int64_t> first_utc_us;
  };
  void add(const playlist::Record& record);
  void expect_before() { whole = false; }
  void add(const Before& before);

  uint64_t runs = 0, gaps = 0;
  int64_t duration = 0;                 // of all segments, playlist::kTimescale
  std::optional<int64_t> first_utc_us;  // start of the first segment
  std::optional<int64_t> last_media_utc_us;
  bool whole = true;  // false: Before is yet to come, and runs, gaps, duration and first_utc_us are not known
  std::string end_reason;  // of the last run; empty while it is open

 private:
  std::string last_run_;
  int64_t last_gap_pts_ = INT64_MIN;
  std::optional<uint64_t> last_msn_;
};

}  // namespace headgate::origin

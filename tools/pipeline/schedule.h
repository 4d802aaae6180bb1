// SPDX-License-Identifier: LGPL-2.1-or-later
// When a pipeline with the trigger schedule runs: by days and times of a time zone's clocks, or between two
// moments. Times that overlap or touch are one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <base/result.h>

namespace headgate::pipeline {

inline constexpr size_t kMaxTimes = 64;       // entries of a schedule
inline constexpr int64_t kLookAheadDays = 8;  // a week, and a day that clocks are changed on

// UTC, µs since 1970; `end` is not in it.
struct Window {
  int64_t begin_us = 0, end_us = 0;
  bool operator==(const Window&) const = default;
};

class Schedule {
 public:
  // "09:00" to "18:30" of every day in `days` ("sat", "mon-fri", "fri-mon,wed"; empty: every day) as the
  // clocks of `zone` show it (IANA; empty: this machine's). `until` at or before `from` is on the day after.
  // Where clocks skip the time it is as long after the change as it would have been after it; where they show
  // it twice, it is the first. Or, with neither days nor zone, two moments: "2026-09-14T06:00:00Z" (RFC
  // 3339), the first before the other. The error is the end of a sentence.
  Result<void> add(const std::string& from, const std::string& until, const std::string& days,
                   const std::string& zone);
  bool empty() const { return daily_.empty() && moments_.empty(); }

  // The one that `utc_us` is in, or the next one after it; none: there is none any more.
  std::optional<Window> at_or_after(int64_t utc_us) const;

 private:
  struct Daily {
    int from_s = 0, until_s = 0;  // of the day; until_s above from_s, up to two days
    unsigned days = 0;            // 1 << 0 is Monday
    std::string zone;
  };
  std::vector<Window> all_near(int64_t utc_us) const;

  std::vector<Daily> daily_;
  std::vector<Window> moments_;
};

}  // namespace headgate::pipeline

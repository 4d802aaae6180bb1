// SPDX-License-Identifier: LGPL-2.1-or-later
// A long run without reading all of it: its newest end as records, and what it adds up to. For a reader that
// must answer soon, however long the run has been going.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <base/result.h>
#include <playlist/record.h>

namespace headgate::store {

inline constexpr uint64_t kTailBlockBytes = 256 * 1024;  // run.jl is read in such steps, from its end
inline constexpr uint64_t kMaxTailBytes = 64 << 20;      // and no more of it than this

struct RunTail {
  // As read_run() gives them, from a segment on; a run of which something is left out begins with a RunRecord
  // whose numbers are that segment's. That segment's utc_us continues the run's media time, where no
  // discontinuity lies between: its date does not depend on where a reader began.
  std::vector<playlist::Record> records;
  bool opened = false;   // has an `open` line; without, there are no records
  bool ended = false;    // has an `end` line
  bool writing = false;  // a live process holds it
  // run.jl before this byte is left out: a line begins here. 0: `records` are the whole run.
  uint64_t from = 0;
};
// Reads until the segments last `at_least` (playlist::kTimescale) together, or until the run is whole.
Result<RunTail> read_run_tail(const std::string& root, uint32_t event, uint32_t station,
                              const std::string& run, int64_t at_least);

// What a run holds, as its lines say; and, of one that ended in a crash, what its media holds beyond them.
struct RunSum {
  bool opened = false;
  uint64_t segments = 0, gaps = 0;
  int64_t duration = 0;                 // of the segments, playlist::kTimescale
  std::optional<int64_t> first_utc_us;  // of the first segment
};
// Of what is before byte `until` of run.jl. A run that has ended says it in its last line; one that has not
// is read, without being understood: some hundred megabytes a second.
Result<RunSum> sum_run(const std::string& root, uint32_t event, uint32_t station, const std::string& run,
                       uint64_t until = UINT64_MAX);

}  // namespace headgate::store

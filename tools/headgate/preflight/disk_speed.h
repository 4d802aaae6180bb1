// SPDX-License-Identifier: LGPL-2.1-or-later
// How fast a volume takes what the archive writes: parts at the ends of many files, then one sync of the
// volume, again and again.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <base/result.h>

namespace headgate::preflight {

struct WritePattern {
  int files = 32;               // written to in turn
  size_t part_bytes = 94'000;   // half a second of 1.5 Mbit/s
  uint64_t bytes_per_sync = 0;  // of all files together
  uint64_t most_bytes = 0;
  int64_t most_ms = 0;  // it ends with the sync after this
};

struct WriteSpeed {
  double bytes_per_second = 0;  // until they were on the disk
  std::vector<double> sync_ms;  // ascending
  double median_ms() const { return sync_ms[sync_ms.size() / 2]; }
  double worst_ms() const { return sync_ms.back(); }
};

// In an empty folder, whose files are removed with it. `told` after each sync, with the share that is done.
Result<WriteSpeed> measure_writing(const std::string& folder, const WritePattern& pattern,
                                   const std::function<void(double share)>& told);

}  // namespace headgate::preflight

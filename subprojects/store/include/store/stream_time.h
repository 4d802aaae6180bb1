// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a run's media stands on its stream's timeline.
#pragma once

#include <cstdint>

namespace headgate::store {

// Running time (ns) of a pipeline to ticks of the stream's timeline. `base` is RunWriter::timeline_offset():
// whole ticks of fmp4::kPartTimescale; at another timescale it is rounded once, so that differences between
// units stay exact. `shift_ns` is what is added to running time so that the run begins with its first unit.
struct StreamTime {
  int64_t base = 0;
  int64_t shift_ns = 0;
  int64_t ticks(int64_t running_ns, uint32_t timescale) const;
  // The other way: a running time whose ticks these are.
  int64_t running_ns(int64_t ticks, uint32_t timescale) const;
  bool operator==(const StreamTime&) const = default;
};

}  // namespace headgate::store

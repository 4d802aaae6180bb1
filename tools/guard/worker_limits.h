// SPDX-License-Identifier: LGPL-2.1-or-later
// What a worker may take of the machine, and when it is not judged.
#pragma once

#include <cstdint>

namespace headgate::guard {

// Who looks once a second and comes so late was not there (suspended, a paused virtual machine): neither were
// others, and their time begins anew.
inline constexpr int64_t kLateTickMs = 3000;
inline constexpr int64_t kHardMemory = 4;

// A stream may cost what its description says; the rest is every worker's.
struct WorkerLimits {
  int64_t stream_memory_mib = 64, stream_cpu = 1000;  // cpu: thousandths of a processor
  // Of the whole worker, hard; 0: none; below: kHardMemory times what its streams may have, or half of
  // machine_mib where that is less, and no less than they may have.
  int64_t memory_mib = -1;
  int64_t machine_mib = 0;  // that the node may use of the machine; 0: not known
  int64_t base_memory_mib = 256, base_cpu = 500;
  // Of a rendition that is encoded because somebody asks for it.
  int64_t rung_memory_mib = 128, rung_cpu = 2000;
  int64_t over_ms = 60'000;     // beyond the limit, before anything is done
  int64_t grace_ms = 600'000;   // of a drained worker to come back below it
  int64_t still_ms = 30'000;    // a media thread that stands still
  int64_t burning_ms = 10'000;  // and uses a processor all the while
  int64_t fds_percent = 90;     // of the descriptors that it may have
};

}  // namespace headgate::guard

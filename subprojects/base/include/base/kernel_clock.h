// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel knows of the machine's clock: adjtimex(2). Thread-safe.
#pragma once

#include <cstdint>

namespace headgate {

struct KernelClock {
  bool known = false;         // the kernel has told
  bool synchronised = false;  // something keeps it right
  int64_t max_error_us = 0, estimated_error_us = 0;
  int64_t offset_us = 0;  // how far off it was thought to be, and is being corrected
};
KernelClock kernel_clock();

}  // namespace headgate

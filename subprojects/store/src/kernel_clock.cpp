// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel_clock.h"

#include <base/json_line.h>
#include <base/kernel_clock.h>

namespace headgate::store {

std::string kernel_clock_json() {
  const KernelClock clock = kernel_clock();
  JsonLine json;
  json.field("sync", clock.synchronised)
      .field("offset_us", clock.offset_us)
      .field("maxerr_us", clock.max_error_us);
  return json.take();
}

}  // namespace headgate::store

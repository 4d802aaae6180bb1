// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel_clock.h"

#include <base/json_line.h>
#include <sys/timex.h>

namespace headgate::store {

std::string kernel_clock_json() {
  timex state{};
  const int result = ::adjtimex(&state);
  const int64_t offset_us = state.status & STA_NANO ? state.offset / 1000 : state.offset;
  JsonLine json;
  json.field("sync", result >= 0 && (state.status & STA_UNSYNC) == 0)
      .field("offset_us", offset_us)
      .field("maxerr_us", static_cast<int64_t>(state.maxerror));
  return json.take();
}

}  // namespace headgate::store

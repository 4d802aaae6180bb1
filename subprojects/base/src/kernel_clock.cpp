// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/kernel_clock.h>
#include <sys/timex.h>

namespace headgate {

KernelClock kernel_clock() {
  timex told{};
  const int state = ::adjtimex(&told);
  if (state < 0) return {};
  return {true, state != TIME_ERROR && (told.status & STA_UNSYNC) == 0, told.maxerror, told.esterror,
          (told.status & STA_NANO) != 0 ? told.offset / 1000 : told.offset};
}

}  // namespace headgate

// SPDX-License-Identifier: LGPL-2.1-or-later
// adjtimex(2) as a test wants it: HEADGATE_TEST_CLOCK is "synchronised" or "unsynchronised".
#include <sys/timex.h>

#include <cstdlib>
#include <cstring>

extern "C" int adjtimex(timex* state) noexcept {
  const char* wanted = std::getenv("HEADGATE_TEST_CLOCK");
  const bool good = wanted && std::strcmp(wanted, "synchronised") == 0;
  *state = timex{};
  state->status = good ? STA_PLL : STA_UNSYNC;
  state->maxerror = good ? 12'000 : 16'000'000;
  return good ? TIME_OK : TIME_ERROR;
}

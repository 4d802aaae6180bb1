// SPDX-License-Identifier: LGPL-2.1-or-later
// Tickets have dates, and the archive's times are evidence: a node's clock has to be kept right. Everything
// is in UTC, the time zone does not matter.
#include <cstdio>

#include "checks.h"

namespace headgate::preflight {
namespace {

constexpr int64_t kMaxErrorUs = 1'000'000;
constexpr int64_t kYear2025 = 1'735'689'600;  // a machine without a battery begins long before

}  // namespace

Outcome check_clock(Context& context) {
  const KernelClock clock = context.machine.clock();
  Outcome out;
  char text[80];
  std::snprintf(text, sizeof text, "off by at most %.3f s", static_cast<double>(clock.max_error_us) / 1e6);
  out.measured = clock.synchronised ? std::string("synchronised, ") + text : "not synchronised";
  if (context.machine.utc_s() < kYear2025)
    out.fail("the clock is years behind", "set it, then let systemd-timesyncd or chrony keep it right");
  else if (!clock.synchronised)
    out.fail(
        "nothing keeps the clock right",
        "start systemd-timesyncd, chrony or ntpd, and wait until timedatectl says \"synchronized: yes\"");
  else if (clock.max_error_us > kMaxErrorUs)
    out.warn("the clock may be off by more than a second",
             "use time servers that are nearer (chronyc sources)");
  return out;
}

}  // namespace headgate::preflight

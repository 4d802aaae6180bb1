// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/clock.h>
#include <time.h>

namespace headgate {
namespace {

int64_t read_us(clockid_t id) {
  timespec t;
  clock_gettime(id, &t);
  return static_cast<int64_t>(t.tv_sec) * 1'000'000 + t.tv_nsec / 1000;
}

class SystemClock final : public Clock {
 public:
  int64_t utc_us() const override { return read_us(CLOCK_REALTIME); }
  int64_t mono_us() const override { return read_us(CLOCK_BOOTTIME); }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace headgate

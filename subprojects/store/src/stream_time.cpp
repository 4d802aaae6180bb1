// SPDX-License-Identifier: LGPL-2.1-or-later
#include <store/stream_time.h>

#include <fmp4/packager.h>

namespace headgate::store {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

// Rounds to the nearest tick without overflow over any running time.
int64_t ticks_of_ns(int64_t ns, uint32_t timescale) {
  const int64_t seconds = ns >= 0 ? ns / kNsPerSecond : -((-ns + kNsPerSecond - 1) / kNsPerSecond);
  const int64_t rest = ns - seconds * kNsPerSecond;
  return seconds * timescale + (rest * timescale + kNsPerSecond / 2) / kNsPerSecond;
}

int64_t ns_of_ticks(int64_t ticks, uint32_t timescale) {
  const int64_t scale = timescale;
  const int64_t seconds = ticks >= 0 ? ticks / scale : -((-ticks + scale - 1) / scale);
  const int64_t rest = ticks - seconds * scale;
  return seconds * kNsPerSecond + (rest * kNsPerSecond + scale / 2) / scale;
}

int64_t base_ticks(int64_t base, uint32_t timescale) {
  const int64_t seconds = base / fmp4::kPartTimescale, rest = base % fmp4::kPartTimescale;
  return seconds * timescale + (rest * timescale + fmp4::kPartTimescale / 2) / fmp4::kPartTimescale;
}

}  // namespace

int64_t StreamTime::ticks(int64_t running_ns, uint32_t timescale) const {
  return ticks_of_ns(running_ns + shift_ns, timescale) + base_ticks(base, timescale);
}

int64_t StreamTime::running_ns(int64_t ticks, uint32_t timescale) const {
  return ns_of_ticks(ticks - base_ticks(base, timescale), timescale) - shift_ns;
}

}  // namespace headgate::store

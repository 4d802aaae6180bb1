// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream_conditions.h"

#include <cstdlib>

namespace headgate::healthprobe {

using health::Kind;

void Jitter::note(int64_t media, int64_t arrival) {
  const int64_t transit = arrival - media;
  if (transit_) jitter_ += (std::abs(transit - *transit_) - jitter_) / 16;
  transit_ = transit;
}

void Lately::add(int64_t now) {
  Slot& slot = slots_[static_cast<size_t>(slot_of(now) % kSlots)];
  if (slot.number != slot_of(now)) slot = {slot_of(now), 0};
  ++slot.count;
}

int64_t Lately::count(int64_t now) const {
  int64_t sum = 0;
  for (const Slot& slot : slots_)
    if (slot.number >= 0 && slot_of(now) - slot.number < kSlots) sum += slot.count;
  return sum;
}

bool StreamConditions::second(const Second& measured, bool video, int64_t now, const Thresholds& t) {
  const auto jumps = jumps_.count(now);
  bool changed = of(Kind::jumping).sample(t.jumps > 0 && jumps >= t.jumps, t.jumps == 0 || jumps == 0, now);
  changed |=
      of(Kind::jittery)
          .sample_most(static_cast<double>(measured.jitter), static_cast<double>(t.jitter), now, kHoldNs);
  if (!video) return changed;
  changed |= of(Kind::low_rate)
                 .sample_least(static_cast<double>(measured.bit_rate), static_cast<double>(t.bit_rate), now,
                               kHoldNs);
  changed |=
      of(Kind::low_frame_rate).sample_least(measured.rate, static_cast<double>(t.frame_rate), now, kHoldNs);
  // It ends with a GOP that is short enough, not with the key frame after a long one.
  changed |= of(Kind::key_late).sample(t.key_age > 0 && measured.key_age >= t.key_age, t.key_age == 0, now);
  return changed;
}

bool StreamConditions::jumped(int64_t now, const Thresholds& t) {
  jumps_.add(now);
  return of(Kind::jumping).sample(t.jumps > 0 && jumps_.count(now) >= t.jumps, false, now);
}

bool StreamConditions::gop(int64_t duration, int64_t key_age, int64_t now, const Thresholds& t) {
  bool changed =
      of(Kind::long_gop).sample_most(static_cast<double>(duration), static_cast<double>(t.gop), now);
  changed |=
      of(Kind::key_late).sample_most(static_cast<double>(key_age), static_cast<double>(t.key_age), now);
  return changed;
}

void StreamConditions::interrupt() {
  for (health::Condition& one : conditions_) one.interrupt();
}

}  // namespace headgate::healthprobe

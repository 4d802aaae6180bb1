// SPDX-License-Identifier: LGPL-2.1-or-later
#include <timeline/unwrapper.h>

namespace headgate::timeline {

int64_t Unwrapper::nearest(int64_t last, uint64_t stamp) const {
  const unsigned shift = 64 - (short_ ? kShortBits : bits_);
  const uint64_t step = stamp - static_cast<uint64_t>(last);
  // The low bits of the difference, as a signed number.
  return last + (static_cast<int64_t>(step << shift) >> shift);
}

bool Unwrapper::is_short_wrap(int64_t last, uint64_t stamp) const {
  constexpr int64_t kTop = int64_t{1} << kShortBits;
  if (short_ || bits_ <= kShortBits || per_second_ != 1000) return false;
  return last < kTop && last >= kTop - kShortWrapNearMs && stamp < static_cast<uint64_t>(kShortWrapNearMs);
}

int64_t Unwrapper::ns(size_t track, uint64_t stamp) {
  if (track >= last_.size()) last_.resize(track + 1);
  auto& last = last_[track];
  if (!last)
    for (const auto& other : last_)
      if (other) last = other;
  if (last && is_short_wrap(*last, stamp)) short_ = true;
  last = last ? nearest(*last, stamp) : static_cast<int64_t>(stamp);
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t per_second = per_second_;
  int64_t seconds = *last / per_second, rest = *last % per_second;
  if (rest < 0) --seconds, rest += per_second;
  return seconds * kSecond + (rest * kSecond + per_second / 2) / per_second;
}

}  // namespace headgate::timeline

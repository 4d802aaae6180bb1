// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ladder/patience.h>

#include <algorithm>

namespace headgate::ladder {

void Patience::took(int64_t media_ns, int64_t took_ns, bool waited) {
  const int64_t behind_ns = (waited ? took_ns : 0) - media_ns;
  debt_ns_ = std::clamp<int64_t>(debt_ns_ + behind_ns, 0, kMostWaitNs);
  lost_ns_ = std::max<int64_t>(0, lost_ns_ - media_ns / kForgiven);
  if (debt_ns_ <= kMostWaitNs / 2) passed_over_ = false;
}

void Patience::left_out(int64_t media_ns) {
  passed_over_ = true;
  debt_ns_ = kMostWaitNs;
  lost_ns_ = std::min(lost_ns_ + media_ns, 2 * kMostLostNs);
}

}  // namespace headgate::ladder

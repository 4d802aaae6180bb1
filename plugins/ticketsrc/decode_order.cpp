// SPDX-License-Identifier: LGPL-2.1-or-later
#include "decode_order.h"

#include <algorithm>

#include <timeline/session_timeline.h>

namespace headgate::ticketsrc {

int64_t DecodeOrder::next(int64_t pts_ns, bool key, std::optional<int64_t> last_ns) {
  const int64_t step = latest_.empty() ? 0 : pts_ns - latest_.back();
  // No picture is shown before a key picture that comes before it, unless the clock has jumped.
  if (step < -timeline::kMaxBackNs || (key && step < 0)) reset();
  if (step > timeline::kMaxBackNs) {  // a hole
    if (latest_.size() > 1)
      step_ns_ = (latest_.back() - latest_.front()) / static_cast<int64_t>(latest_.size() - 1);
    latest_.clear();
  }
  const auto overtaking = std::upper_bound(latest_.begin(), latest_.end(), pts_ns);
  depth_ = std::max(depth_, std::min(static_cast<size_t>(latest_.end() - overtaking), kMaxReorder));
  latest_.insert(overtaking, pts_ns);
  if (latest_.size() > kMaxReorder + 1) latest_.erase(latest_.begin());
  if (depth_ == 0) return pts_ns;
  const size_t count = latest_.size();
  const int64_t dts_ns = count > depth_
                             ? latest_[count - 1 - depth_]
                             : latest_.front() - static_cast<int64_t>(depth_ + 1 - count) * step_ns_;
  return last_ns ? std::max(dts_ns, *last_ns + kLeastStepNs) : dts_ns;
}

}  // namespace headgate::ticketsrc

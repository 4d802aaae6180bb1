// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ladder/rate_watch.h>

#include <algorithm>

namespace headgate::ladder {

void RateWatch::begin(int64_t time_ns) {
  begin_ns_ = time_ns;
  steps_ = 0;
}

void RateWatch::note(int64_t time_ns) {
  if (!last_ns_ || time_ns <= *last_ns_ || time_ns - *last_ns_ > kLongestFillNs) {
    begin(time_ns);
    differing_.clear();
  } else {
    ++steps_;
    if (time_ns - begin_ns_ >= kWindowNs) count(time_ns);
  }
  last_ns_ = time_ns;
}

void RateWatch::count(int64_t time_ns) {
  const double rate = 1e9 * static_cast<double>(steps_) / static_cast<double>(time_ns - begin_ns_);
  const double now = value_of(rate_), other = now * kOtherPercent / 100;
  const bool higher = rate > now + other, lower = rate < now - other;
  const bool goes_on = !differing_.empty() && (differing_.front() > now) == higher;
  if (!goes_on || !(higher || lower)) differing_.clear();
  if (higher || lower) differing_.push_back(rate);
  if (differing_.size() > windows_) differing_.erase(differing_.begin());
  begin(time_ns);
}

std::optional<RateFinder::Rate> RateWatch::other() const {
  if (differing_.size() < windows_) return std::nullopt;
  std::vector<double> rates = differing_;
  const auto middle = rates.begin() + static_cast<ptrdiff_t>(rates.size() / 2);
  std::nth_element(rates.begin(), middle, rates.end());
  return usual_rate(*middle);
}

void RateWatch::follow(RateFinder::Rate rate) {
  const bool soon = followed_ns_ && last_ns_ &&
                    *last_ns_ - *followed_ns_ < kRelapseNs + static_cast<int64_t>(windows_) * kWindowNs;
  windows_ = soon ? std::min(2 * windows_, kMostWindows) : kWindows;
  followed_ns_ = last_ns_;
  rate_ = rate;
  differing_.clear();
  if (last_ns_) begin(*last_ns_);
}

}  // namespace headgate::ladder

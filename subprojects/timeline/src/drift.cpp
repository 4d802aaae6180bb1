// SPDX-License-Identifier: LGPL-2.1-or-later
#include <timeline/drift.h>

#include <algorithm>
#include <cstdlib>

namespace headgate::timeline {

void Drift::note(size_t side, int64_t media_ns, int64_t arrival_ns) {
  if (!started_ || arrival_ns - span_ns_ >= length_ns_) {
    if (started_) end_span();
    // Silence: no span follows another.
    if (!started_ || arrival_ns - span_ns_ >= 2 * length_ns_) spans_ = uncounted_ = 0;
    started_ = true;
    span_ns_ = arrival_ns;
    least_ns_[0] = least_ns_[1] = INT64_MAX;
  }
  least_ns_[side] = std::min(least_ns_[side], arrival_ns - media_ns);
}

void Drift::end_span() {
  if (least_ns_[0] == INT64_MAX || least_ns_[1] == INT64_MAX) {
    spans_ = uncounted_ = 0;
    return;
  }
  if (spans_ == kDriftSpans) std::move(differences_.begin() + 1, differences_.end(), differences_.begin());
  spans_ = std::min(spans_ + 1, kDriftSpans);
  differences_[spans_ - 1] = least_ns_[1] - least_ns_[0];
  uncounted_ = std::min(uncounted_ + 1, kDriftSpans - 1);
  if (spans_ < kDriftSpans) return;
  if (std::abs(differences_.back() - differences_.front()) < kDriftLeastNs) return condense();
  if (!is_even()) return;
  // A track whose stamps run fast comes less and less late.
  const int64_t first = differences_[kDriftSpans - 1 - uncounted_];
  owed_ns_ += differences_.back() - first;
  // What it drifted in the first of them, before its least delay.
  if (uncounted_ == kDriftSpans - 1) owed_ns_ += (differences_.back() - first) / int64_t{kDriftSpans - 1};
  uncounted_ = 0;
}

bool Drift::is_even() const {
  const int64_t first = differences_.front(), all = differences_.back() - first;
  const int64_t most = std::max(kDriftNoiseNs, std::abs(all) / 8);
  for (size_t i = 0; i < kDriftSpans; ++i) {
    const int64_t line = first + all / int64_t{kDriftSpans - 1} * static_cast<int64_t>(i);
    if (std::abs(differences_[i] - line) > most) return false;
  }
  return true;
}

void Drift::condense() {
  if (length_ns_ >= kDriftLongestSpanNs) return;
  length_ns_ *= 2;
  spans_ /= 2;
  uncounted_ = (uncounted_ + 1) / 2;
  for (size_t i = 0; i < spans_; ++i) differences_[i] = (differences_[2 * i] + differences_[2 * i + 1]) / 2;
}

int64_t Drift::step(int64_t arrival_ns) {
  if (std::abs(owed_ns_) < kDriftStepNs || arrival_ns - stepped_ns_ < kDriftStepEveryNs) return 0;
  stepped_ns_ = arrival_ns;
  const int64_t step = owed_ns_ < 0 ? -kDriftStepNs : kDriftStepNs;
  owed_ns_ -= step;
  return step;
}

}  // namespace headgate::timeline

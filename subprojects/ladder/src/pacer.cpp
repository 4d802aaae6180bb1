// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ladder/pacer.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace headgate::ladder {
namespace {

constexpr std::array kUsual = {
    RateFinder::Rate{10, 1},        RateFinder::Rate{12, 1},       RateFinder::Rate{15, 1},
    RateFinder::Rate{20, 1},        RateFinder::Rate{24000, 1001}, RateFinder::Rate{24, 1},
    RateFinder::Rate{25, 1},        RateFinder::Rate{30000, 1001}, RateFinder::Rate{30, 1},
    RateFinder::Rate{48, 1},        RateFinder::Rate{50, 1},       RateFinder::Rate{60000, 1001},
    RateFinder::Rate{60, 1},        RateFinder::Rate{90, 1},       RateFinder::Rate{100, 1},
    RateFinder::Rate{120000, 1001}, RateFinder::Rate{120, 1},
};
constexpr double kNear = 0.015;
constexpr double kLeast = 1, kMost = 240;
constexpr int64_t kFollow = 8;  // of how much a frame is early or late

}  // namespace

double value_of(const RateFinder::Rate& rate) {
  return static_cast<double>(rate.over) / rate.under;
}

RateFinder::Rate usual_rate(double any) {
  const double fps = std::clamp(any, kLeast, kMost);
  const auto* const best =
      std::min_element(kUsual.begin(), kUsual.end(), [fps](const auto& a, const auto& b) {
        return std::abs(value_of(a) - fps) < std::abs(value_of(b) - fps);
      });
  if (std::abs(value_of(*best) - fps) <= fps * kNear) return *best;
  return {static_cast<uint32_t>(std::lround(fps * 1000)), 1000};
}

Pacer::Step Pacer::next(int64_t time_ns, bool must) {
  Step step;
  if (!due_ns_ || time_ns - *due_ns_ + period_ns_ > kLongestFillNs) {
    due_ns_ = time_ns + period_ns_;
    return step;
  }
  const int64_t half = period_ns_ / 2;
  if (!must && time_ns < *due_ns_ - half) {
    step.use = false;
    return step;
  }
  for (; time_ns - *due_ns_ > half; *due_ns_ += period_ns_) step.repeats.push_back(*due_ns_);
  // The source's clock is followed slowly, so that surplus frames do not pull the pace up.
  const int64_t error = time_ns - *due_ns_;
  *due_ns_ = error < -half ? time_ns + period_ns_ : *due_ns_ + error / kFollow + period_ns_;
  return step;
}

void RateFinder::note(int64_t dts_ns) {
  if (!times_.empty() && dts_ns <= times_.back()) times_.clear();
  if (times_.size() < kFrames) times_.push_back(dts_ns);
}

bool RateFinder::enough() const {
  return times_.size() >= kFrames || (times_.size() > 1 && times_.back() - times_.front() >= kLongNs);
}

RateFinder::Rate RateFinder::rate() const {
  const double hint = hint_milli_ / 1000.0;
  const bool usable_hint = hint >= kLeast && hint <= kMost;
  if (times_.size() < 2) return usable_hint ? usual_rate(hint) : Rate{};
  std::vector<int64_t> steps;
  for (size_t i = 1; i < times_.size(); ++i) steps.push_back(times_[i] - times_[i - 1]);
  std::sort(steps.begin(), steps.end());
  const int64_t median = steps[steps.size() / 2];
  // Of the steps that are like the median: holes and bursts say nothing of the rate.
  int64_t sum = 0, count = 0;
  for (const int64_t step : steps) {
    if (step * 2 < median || step > median * 3 / 2) continue;
    sum += step;
    ++count;
  }
  const double found = std::clamp(1e9 * static_cast<double>(count) / static_cast<double>(sum), kLeast, kMost);
  if (usable_hint && std::abs(hint - found) <= found * kNear) return usual_rate(hint);
  return usual_rate(found);
}

}  // namespace headgate::ladder

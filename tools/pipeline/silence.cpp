// SPDX-License-Identifier: LGPL-2.1-or-later
#include <pipeline/silence.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace headgate::pipeline {
namespace {

constexpr int64_t kMostOftenMs = 50, kLeastOftenMs = 1000;
constexpr int64_t kLooks = 10;  // within the threshold

std::string seconds(int64_t ms) {
  char text[32];
  std::snprintf(text, sizeof text, "%g s", static_cast<double>(ms) / 1000);
  return text;
}

}  // namespace

int64_t Silence::period_ms() const {
  return std::clamp(threshold_ms_ / kLooks, kMostOftenMs, kLeastOftenMs);
}

std::optional<std::string> Silence::look(int64_t now_ms, const std::vector<Sink>& sinks,
                                         const std::string& stalled) {
  const int64_t past =
      std::clamp<int64_t>(now_ms - looked_ms_.value_or(now_ms), 0, kMostPeriods * period_ms());
  looked_ms_ = now_ms;
  buffers_.resize(sinks.size());
  busy_ms_.resize(sinks.size());
  nothing_ms_ += past;
  for (size_t i = 0; i < sinks.size(); ++i) {
    const bool came = std::exchange(buffers_[i], sinks[i].buffers) != sinks[i].buffers;
    if (came) nothing_ms_ = 0;
    busy_ms_[i] = sinks[i].busy && !came ? busy_ms_[i] + past : 0;
  }
  stalled_ms_ = stalled.empty() ? 0 : stalled_ms_ + past;
  for (size_t i = 0; i < sinks.size(); ++i)
    if (busy_ms_[i] >= threshold_ms_)
      return sinks[i].name + " has taken nothing for " + seconds(threshold_ms_) +
             ": who receives does not read, or a disk hangs";
  if (!sinks.empty() && nothing_ms_ >= threshold_ms_)
    return "nothing has come to " + (sinks.size() == 1 ? sinks.front().name : std::string("any sink")) +
           " for " + seconds(threshold_ms_) + ": who sends is silent";
  if (stalled_ms_ >= threshold_ms_) return stalled + " has been stalled for " + seconds(threshold_ms_);
  return std::nullopt;
}

}  // namespace headgate::pipeline

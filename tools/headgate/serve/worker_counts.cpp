// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker_counts.h"

#include <algorithm>

namespace headgate::serve {
namespace {

constexpr int64_t kMost = 100'000;

// "…,"rungs":3,…"; 0 without.
int64_t count_in(const std::string& json, const std::string& name) {
  const std::string key = '"' + name + "\":";
  const size_t at = json.find(key);
  int64_t out = 0;
  for (size_t i = at == json.npos ? json.size() : at + key.size();
       i < json.size() && json[i] >= '0' && json[i] <= '9' && out < kMost; ++i)
    out = out * 10 + (json[i] - '0');
  return out;
}

}  // namespace

WorkerCounts worker_counts(const std::string& status_json) {
  return {count_in(status_json, "rungs"), count_in(status_json, "ladder_rungs"),
          count_in(status_json, "ladder_paused")};
}

void PausedShare::add(const WorkerCounts& counts) {
  rungs_ += counts.ladder_rungs;
  paused_ += std::min(counts.ladder_paused, counts.ladder_rungs);
}

std::optional<double> PausedShare::percent() const {
  if (rungs_ == 0) return std::nullopt;
  return 100 * static_cast<double>(paused_) / static_cast<double>(rungs_);
}

}  // namespace headgate::serve

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rung_limit.h"

#include <algorithm>

namespace headgate::worker {

bool RungLimit::ask(uint64_t session, const std::string& rendition, int64_t now_ms) {
  std::erase_if(rungs_,
                [&](const auto& one) { return !one.second.runs && now_ms - one.second.asked_ms > kAskedMs; });
  const auto key = std::pair(session, rendition);
  if (!rungs_.contains(key) && rungs_.size() >= most_) {
    ++refused_;
    return false;
  }
  rungs_[key].asked_ms = now_ms;
  return true;
}

void RungLimit::told(uint64_t session, const std::string& rendition,
                     const playlist::RenditionRecord& record) {
  const auto key = std::pair(session, rendition);
  if (record.on_demand && record.state != playlist::RenditionState::idle)
    rungs_[key].runs = true;
  else
    rungs_.erase(key);
}

void RungLimit::closed(uint64_t session) {
  std::erase_if(rungs_, [session](const auto& one) { return one.first.first == session; });
}

size_t RungLimit::running() const {
  return static_cast<size_t>(
      std::count_if(rungs_.begin(), rungs_.end(), [](const auto& one) { return one.second.runs; }));
}

}  // namespace headgate::worker

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ingest/failure_budget.h>

namespace headgate::ingest {

void FailureBudget::begin_window(int64_t mono_us) {
  if (mono_us - window_start_us_ < kWindowUs) return;
  window_start_us_ = mono_us;
  failures_.clear();
}

bool FailureBudget::reached(const Peer& peer, int64_t mono_us, unsigned factor) {
  begin_window(mono_us);
  auto has = [this, factor](const std::string& key, unsigned limit) {
    auto found = failures_.find(key);
    return found != failures_.end() && found->second >= uint64_t{limit} * factor;
  };
  return has(peer.source, per_source_) || has(peer.network, per_network_);
}

void FailureBudget::failed(const Peer& peer, int64_t mono_us) {
  begin_window(mono_us);
  for (const std::string& key : {peer.source, peer.network}) {
    auto found = failures_.find(key);
    if (found != failures_.end())
      ++found->second;
    else if (failures_.size() < kMaxSources)
      failures_.emplace(key, 1);
  }
}

}  // namespace headgate::ingest

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "handshake_budget.h"

#include <algorithm>

namespace headgate::ingest {

int64_t HandshakeBudget::owed(const Debt& debt, const CpuShare& share, int64_t mono_us) {
  const int64_t past_us = std::max<int64_t>(mono_us - debt.since_us, 0);
  return std::max<int64_t>(debt.us - past_us * share.us_per_second / 1'000'000, 0);
}

void HandshakeBudget::add(Debt& debt, const CpuShare& share, int64_t cpu_us, int64_t mono_us) {
  debt.us = std::max<int64_t>(owed(debt, share, mono_us) + cpu_us, 0);
  debt.since_us = mono_us;
}

bool HandshakeBudget::may_begin(const std::string& network, int64_t mono_us) const {
  if (!is_known(network, mono_us) && !anybody_may_begin(mono_us)) return false;
  auto found = networks_.find(network);
  return found == networks_.end() || owed(found->second, policy_.network, mono_us) < policy_.network.most_us;
}

void HandshakeBudget::spent(const std::string& network, int64_t cpu_us, int64_t mono_us) {
  add(all_, policy_.all, cpu_us, mono_us);
  auto found = networks_.find(network);
  if (found == networks_.end()) {
    if (networks_.size() >= kMaxNetworks) return;
    found = networks_.emplace(network, Debt{0, mono_us}).first;
  }
  add(found->second, policy_.network, cpu_us, mono_us);
}

void HandshakeBudget::forgive(const std::string& network, int64_t cpu_us, int64_t mono_us) {
  add(all_, policy_.all, -cpu_us, mono_us);
  auto found = networks_.find(network);
  if (found != networks_.end()) add(found->second, policy_.network, -cpu_us, mono_us);
  if (known_.size() < kMaxNetworks || known_.contains(network)) known_[network] = mono_us;
}

bool HandshakeBudget::is_known(const std::string& network, int64_t mono_us) const {
  auto found = known_.find(network);
  return found != known_.end() && mono_us - found->second < kKnownUs;
}

void HandshakeBudget::drop_paid(int64_t mono_us) {
  if (mono_us - dropped_us_ < kDropEveryUs) return;
  dropped_us_ = mono_us;
  std::erase_if(networks_,
                [&](const auto& entry) { return owed(entry.second, policy_.network, mono_us) == 0; });
  std::erase_if(known_, [&](const auto& entry) { return mono_us - entry.second >= kKnownUs; });
}

}  // namespace headgate::ingest

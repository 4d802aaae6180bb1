// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: how much of the processor TLS handshakes may take. Each is a debt of its network
// and of all together, in microseconds of CPU; debts are paid off at a constant rate, and what an admitted
// publisher took is forgiven at once. So honest publishers, however many come at once, wait for each other's
// admission at the most, while handshakes that lead to nothing get the constant rate and no more. Strangers
// of many networks can use up what is for all; a network from which somebody was admitted lately does without
// that and has only its own, so that who was cut off gets in again during a flood. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include <ingest/listener.h>

namespace headgate::ingest {

class HandshakeBudget {
 public:
  // Beyond so many networks in debt new ones are charged to all together only: memory stays bounded.
  static constexpr size_t kMaxNetworks = 65'536;
  static constexpr int64_t kDropEveryUs = 1'000'000;
  // A network is known so long after an admission; of so many at most.
  static constexpr int64_t kKnownUs = 12ll * 3600 * 1'000'000;

  explicit HandshakeBudget(const HandshakePolicy& policy) : policy_(policy) {}

  bool anybody_may_begin(int64_t mono_us) const {
    return owed(all_, policy_.all, mono_us) < policy_.all.most_us;
  }
  bool may_begin(const std::string& network, int64_t mono_us) const;
  void spent(const std::string& network, int64_t cpu_us, int64_t mono_us);
  // It led to an admission.
  void forgive(const std::string& network, int64_t cpu_us, int64_t mono_us);
  // Now and then: forgets networks that owe nothing any more, or are known no longer.
  void drop_paid(int64_t mono_us);
  size_t in_debt() const { return networks_.size(); }

 private:
  struct Debt {
    int64_t us = 0;  // at since_us
    int64_t since_us = 0;
  };
  static int64_t owed(const Debt& debt, const CpuShare& share, int64_t mono_us);
  static void add(Debt& debt, const CpuShare& share, int64_t cpu_us, int64_t mono_us);

  bool is_known(const std::string& network, int64_t mono_us) const;

  const HandshakePolicy policy_;
  Debt all_;
  std::unordered_map<std::string, Debt> networks_;
  std::unordered_map<std::string, int64_t> known_;  // and when somebody was admitted last
  int64_t dropped_us_ = 0;                          // when it was looked through
};

}  // namespace headgate::ingest

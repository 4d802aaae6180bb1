// SPDX-License-Identifier: LGPL-2.1-or-later
// How many failures a source may cause before its attempts are refused unread (docs/tickets.md, 1.7). Only
// failures count: carriers put hundreds of honest phones behind one address. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include <ingest/peer.h>

namespace headgate::ingest {

class FailureBudget {
 public:
  static constexpr int64_t kWindowUs = 60'000'000;
  // Beyond so many sources in one window new ones are not counted: memory stays bounded, and whoever has that
  // many addresses is not stopped by counting.
  static constexpr size_t kMaxSources = 65'536;

  FailureBudget(unsigned per_source, unsigned per_network)
      : per_source_(per_source), per_network_(per_network) {}
  // So many times the limit, and it is not worth saying anything to who comes from there.
  static constexpr unsigned kFloodFactor = 4;

  bool exhausted(const Peer& peer, int64_t mono_us) { return reached(peer, mono_us, 1); }
  bool flooded(const Peer& peer, int64_t mono_us) { return reached(peer, mono_us, kFloodFactor); }
  void failed(const Peer& peer, int64_t mono_us);
  size_t counted() const { return failures_.size(); }

 private:
  bool reached(const Peer& peer, int64_t mono_us, unsigned factor);
  void begin_window(int64_t mono_us);

  unsigned per_source_, per_network_;
  int64_t window_start_us_ = 0;
  std::unordered_map<std::string, unsigned> failures_;  // in this window, by source and by network
};

}  // namespace headgate::ingest

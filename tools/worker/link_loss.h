// SPDX-License-Identifier: LGPL-2.1-or-later
// How much an SRT publisher's link loses now: the totals that its source tells once a second say that of the
// whole session only (docs/health.md, "SRT's link").
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace headgate::worker {

// Packets since the connection began (srt/relay.h, LinkStats).
struct LinkCounts {
  uint64_t received = 0, retransmitted = 0, lost = 0, dropped = 0;
  bool operator==(const LinkCounts&) const = default;
};

class LinkLoss {
 public:
  static constexpr size_t kSeconds = 10;  // are looked back

  void add(const LinkCounts& counts);  // once a second
  // Of the packets that were due in these seconds, 0 to 1: those that were missed at first, and those that
  // never came, or too late. 0 while nothing was due.
  double lost() const { return share(&LinkCounts::lost); }
  double dropped() const { return share(&LinkCounts::dropped); }

 private:
  double share(uint64_t LinkCounts::*of) const;
  std::deque<LinkCounts> samples_;  // oldest first
};

}  // namespace headgate::worker

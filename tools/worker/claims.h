// SPDX-License-Identifier: LGPL-2.1-or-later
// What a session's ticket allows (docs/tickets.md, "While it streams"), held against what the session sends.
// Times are Clock::mono_us().
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>

namespace headgate::worker {

struct ClaimRules {
  int64_t window_us = 10'000'000;   // over which the rate is measured
  int64_t cut_us = 60'000'000;      // so long over the limit without a break: ended
  uint32_t tolerance_percent = 10;  // the protocol's own bytes, and how encoders keep a rate
};

class Claims {
 public:
  // 0: no limit.
  Claims(uint32_t max_kbps, uint32_t codecs, const ClaimRules& rules)
      : max_kbps_(max_kbps), codecs_(codecs), rules_(rules) {}

  // `codecs` as RFC 6381 has them, comma-separated. What to tell the publisher before the session is ended;
  // empty: all are allowed.
  std::string refuse_codecs(const std::string& codecs) const;

  enum class Rate { fine, over, cut };  // over: once, when it begins
  // `bytes`: received on the connection until now.
  Rate received(uint64_t bytes, int64_t now_us);
  // What to tell the publisher (cut) or the log (over).
  std::string rate_text() const;

 private:
  uint32_t max_kbps_, codecs_;
  ClaimRules rules_;
  std::deque<std::pair<int64_t, uint64_t>> samples_;  // time, bytes: the window, and one before it
  uint64_t kbps_ = 0;                                 // over the window
  int64_t over_since_us_ = -1;                        // -1: it is not
};

}  // namespace headgate::worker

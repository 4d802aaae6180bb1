// SPDX-License-Identifier: LGPL-2.1-or-later
// How much of the machine's links is used, by /sys/class/net (Documentation/ABI/testing/sysfs-class-net). A
// link is a network card, or a bond in the place of its cards. Bridges, VLANs and tunnels carry the same
// once more.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "guard.h"
#include "link_speed.h"

namespace headgate::serve {

inline constexpr int64_t kLoadWindowMs = 10'000;  // of processors and links

class LinkLoad {
 public:
  // `mbps`: what all links carry together, each way; 0: each what it says of itself, which is `speed`.
  LinkLoad(std::string sys, int64_t mbps, SpeedOf speed = speeds_aside());

  // Of the link that is used most, by what it receives or by what it sends, whichever is more; with `mbps` of
  // all together. None: no link says how fast it is, or it is not known yet. `now_ms` never goes back; once a
  // second. Waits for nobody, if `speed` does not.
  std::optional<double> percent(int64_t now_ms);

 private:
  struct Link {
    double mbps = 0;  // that it says; 0: it does not
    double received = 0, sent = 0;
  };
  using Windows = std::map<std::string, CountWindow<CountPair>>;  // bytes received and sent
  std::map<std::string, Link> links(int64_t now_ms) const;
  std::optional<double> percent_of(const std::string& name, const Link& link, int64_t now_ms);

  const std::string folder_;
  const double mbps_;
  const SpeedOf speed_;
  Windows windows_;  // by link; "": of all together
};

}  // namespace headgate::serve

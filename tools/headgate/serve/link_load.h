// SPDX-License-Identifier: LGPL-2.1-or-later
// How much of the machine's links is used, by /sys/class/net (Documentation/ABI/testing/sysfs-class-net). A
// link is a network card, or a bond in the place of its cards. Bridges, VLANs and tunnels carry the same
// once more.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "load_window.h"

namespace headgate::serve {

inline constexpr int64_t kLoadWindowMs = 10'000;  // of processors and links

// The number that a file begins with; none: there is no such file, or it has no number.
std::optional<double> number_in(const std::string& path);

class LinkLoad {
 public:
  // `mbps`: what all links carry together, each way; 0: each what it says of itself.
  LinkLoad(std::string sys, int64_t mbps);

  // Of the link that is used most, by what it receives or by what it sends, whichever is more; with `mbps` of
  // all together. None: no link says how fast it is, or it is not known yet. `now_ms` never goes back; once a
  // second.
  std::optional<double> percent(int64_t now_ms);

 private:
  struct Link {
    double mbps = 0;  // that it says; 0: it does not
    double received = 0, sent = 0;
  };
  // `used` and `all` of a sample: bytes received and sent.
  using Windows = std::map<std::string, LoadWindow>;
  std::map<std::string, Link> links() const;
  std::optional<double> percent_of(const std::string& name, const Link& link, int64_t now_ms);

  const std::string folder_;
  const double mbps_;
  Windows windows_;  // by link; "": of all together
};

}  // namespace headgate::serve

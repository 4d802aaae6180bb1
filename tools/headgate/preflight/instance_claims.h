// SPDX-License-Identifier: LGPL-2.1-or-later
// What a pipeline takes that only one can have, by its elements' text (pipeline/graph.h): ports that it
// listens on, stations that it archives as; and devices that it opens.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <base/result.h>

#include "address.h"

namespace headgate::preflight {

struct PortClaim {
  HostPort at;  // host as it stands there; empty: every address
  bool udp = false;
  bool is_shared() const;  // by a multicast group: whoever joins it gets what comes
};
// One host is the other's, or everybody's, and the ports are the same, but for 0: the kernel's choice.
bool collide(const PortClaim& a, const PortClaim& b);

struct InstanceClaims {
  struct Station {
    int64_t event = 0, station = 0;
    bool operator==(const Station&) const = default;
  };
  std::vector<PortClaim> ports;
  std::vector<Station> stations;
  std::vector<std::string> devices;  // paths below /dev
};
// Elements that listen on ports: tcpserversink, tcpserversrc, udpsrc, srtsink and srtsrc. The error is that
// of a line that cannot be read.
Result<InstanceClaims> claims_of(const std::string& launch_line);

// "HOST:PORT", as settings and the trigger listen have it; HOST may be empty or *.
PortClaim claim_of(const std::string& address, bool udp);

}  // namespace headgate::preflight

// SPDX-License-Identifier: LGPL-2.1-or-later
// Addresses as settings and tickets name them.
#pragma once

#include <string>
#include <vector>

#include <base/result.h>

namespace headgate::preflight {

struct HostPort {
  std::string host;  // IPv6 without brackets
  int port = 0;
  std::string text() const;  // IPv6 in brackets
};
// "HOST:PORT", "[V6]:PORT".
Result<HostPort> parse_host_port(const std::string& text);
// Where somebody on this machine reaches what listens on it: loopback in the place of all addresses.
HostPort reachable(HostPort bound);
// The endpoints of "HOST:PORT[,HOST:PORT...]".
Result<std::vector<HostPort>> parse_endpoints(const std::string& text);

// The numeric addresses of a name. Asks the resolver, and waits for it.
Result<std::vector<std::string>> addresses_of_host(const std::string& host);
// Numeric addresses of this machine's interfaces.
std::vector<std::string> own_addresses();
bool is_numeric(const std::string& host);

// Connects and hangs up: somebody listens.
Result<void> try_connect(const HostPort& to, int timeout_ms);

}  // namespace headgate::preflight

// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a connection comes from, in the forms that limits and logs want.
#pragma once

#include <sys/socket.h>

#include <string>

namespace headgate::ingest {

struct Peer {
  std::string text;     // "192.0.2.7:40123", "[2001:db8::7]:40123"
  std::string address;  // without port; an IPv4 address that came through an IPv6 socket is written as IPv4
  std::string source;   // one subscriber: the IPv4 address, the IPv6 /64
  std::string network;  // his neighbours: the IPv4 /24, the IPv6 /48
};

// Of another family (a Unix socket): all fields are "local".
Peer make_peer(const sockaddr_storage& address);

}  // namespace headgate::ingest

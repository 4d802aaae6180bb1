// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace headgate::ingest::test {

// Of an address in digits, IPv6 if it has a colon.
inline sockaddr_storage socket_address(const std::string& address, uint16_t port = 40123) {
  sockaddr_storage out{};
  if (address.find(':') == address.npos) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &in.sin_addr);
    std::memcpy(&out, &in, sizeof in);
  } else {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port);
    ::inet_pton(AF_INET6, address.c_str(), &in6.sin6_addr);
    std::memcpy(&out, &in6, sizeof in6);
  }
  return out;
}

}  // namespace headgate::ingest::test

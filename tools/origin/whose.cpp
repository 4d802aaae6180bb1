// SPDX-License-Identifier: LGPL-2.1-or-later
#include "whose.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace headgate::origin {

std::string stranger(const sockaddr_storage& remote) {
  char text[INET6_ADDRSTRLEN] = "";
  if (remote.ss_family == AF_INET)
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(remote).sin_addr, text, sizeof text);
  if (remote.ss_family == AF_INET6)
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(remote).sin6_addr, text, sizeof text);
  const std::string out = text;
  return out == "127.0.0.1" || out == "::1" || out == "::ffff:127.0.0.1" ? "" : out;
}

}  // namespace headgate::origin

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "whose.h"

#include <arpa/inet.h>
#include <ingest/peer.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace headgate::origin {

std::string stranger(const sockaddr_storage& remote) {
  if (remote.ss_family != AF_INET && remote.ss_family != AF_INET6) return "";
  const ingest::Peer peer = ingest::make_peer(remote);
  return peer.address == "127.0.0.1" || peer.address == "::1" ? "" : peer.source;
}

std::string stranger(std::string_view address) {
  const std::string text(address);
  sockaddr_in6 in6{};
  if (text.find(':') == text.npos || ::inet_pton(AF_INET6, text.c_str(), &in6.sin6_addr) != 1) return text;
  in6.sin6_family = AF_INET6;
  sockaddr_storage storage{};
  std::memcpy(&storage, &in6, sizeof in6);
  return ingest::make_peer(storage).source;
}

}  // namespace headgate::origin

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <arpa/inet.h>
#include <ingest/peer.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

namespace headgate::ingest {
namespace {

constexpr size_t kSubscriberBytes = 8, kNetworkBytes = 6;  // IPv6 /64 and /48

std::string text_of(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  return ::inet_ntop(family, address, out.data(), out.size()) ? out.data() : "";
}

std::string prefix_of(const in6_addr& address, size_t bytes) {
  in6_addr masked{};
  std::memcpy(&masked, &address, bytes);
  return text_of(AF_INET6, &masked) + "/" + std::to_string(8 * bytes);
}

Peer from_v4(const in_addr& address, uint16_t port) {
  Peer peer;
  peer.address = peer.source = text_of(AF_INET, &address);
  peer.text = peer.address + ":" + std::to_string(port);
  in_addr network{.s_addr = address.s_addr & htonl(0xffffff00)};
  peer.network = text_of(AF_INET, &network) + "/24";
  return peer;
}

}  // namespace

Peer make_peer(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    return from_v4(in.sin_addr, ntohs(in.sin_port));
  }
  if (address.ss_family != AF_INET6) return {"local", "local", "local", "local"};
  sockaddr_in6 in6{};
  std::memcpy(&in6, &address, sizeof in6);
  if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
    in_addr mapped{};
    std::memcpy(&mapped, in6.sin6_addr.s6_addr + 12, sizeof mapped);
    return from_v4(mapped, ntohs(in6.sin6_port));
  }
  Peer peer;
  peer.address = text_of(AF_INET6, &in6.sin6_addr);
  peer.text = "[" + peer.address + "]:" + std::to_string(ntohs(in6.sin6_port));
  peer.source = prefix_of(in6.sin6_addr, kSubscriberBytes);
  peer.network = prefix_of(in6.sin6_addr, kNetworkBytes);
  return peer;
}

}  // namespace headgate::ingest

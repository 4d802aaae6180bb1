// SPDX-License-Identifier: LGPL-2.1-or-later
#include "address.h"

#include <base/io.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <sstream>

namespace headgate::preflight {
namespace {

struct FreeInfo {
  void operator()(addrinfo* info) const { ::freeaddrinfo(info); }
};
using InfoPtr = std::unique_ptr<addrinfo, FreeInfo>;

Result<InfoPtr> look_up(const std::string& host, const std::string& port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  if (int error = ::getaddrinfo(host.c_str(), port.empty() ? nullptr : port.c_str(), &hints, &found);
      error != 0)
    return Unexpected(host + ": " + ::gai_strerror(error));
  return InfoPtr(found);
}

std::string numeric(const sockaddr* address, socklen_t size) {
  std::array<char, NI_MAXHOST> text{};
  if (::getnameinfo(address, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "";
  return text.data();
}

}  // namespace

std::string HostPort::text() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

Result<HostPort> parse_host_port(const std::string& text) {
  HostPort out;
  const size_t colon = text.rfind(':');
  const std::string digits = colon == std::string::npos ? "" : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (error != std::errc() || end != digits.data() + digits.size() || out.port < 0 || out.port > 65'535)
    return Unexpected("'" + text + "' is not HOST:PORT");
  out.host = text.substr(0, colon);
  if (out.host.starts_with('[') && out.host.ends_with(']'))
    out.host = out.host.substr(1, out.host.size() - 2);
  if (out.host.empty() || out.host == "*") out.host = "::";
  return out;
}

HostPort reachable(HostPort bound) {
  if (bound.host == "0.0.0.0") bound.host = "127.0.0.1";
  if (bound.host == "::") bound.host = "::1";
  return bound;
}

Result<std::vector<HostPort>> parse_endpoints(const std::string& text) {
  std::vector<HostPort> out;
  std::istringstream rest(text);
  for (std::string one; std::getline(rest, one, ',');) {
    auto endpoint = parse_host_port(one);
    if (!endpoint) return Unexpected(endpoint.error());
    out.push_back(*endpoint);
  }
  return out;
}

Result<std::vector<std::string>> addresses_of_host(const std::string& host) {
  auto found = look_up(host, "", 0);
  if (!found) return Unexpected(found.error());
  std::vector<std::string> out;
  for (const addrinfo* one = found->get(); one; one = one->ai_next)
    out.push_back(numeric(one->ai_addr, one->ai_addrlen));
  return out;
}

std::vector<std::string> own_addresses() {
  std::vector<std::string> out;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return out;
  for (const ifaddrs* one = list; one; one = one->ifa_next) {
    if (!one->ifa_addr) continue;
    const int family = one->ifa_addr->sa_family;
    if (family == AF_INET) out.push_back(numeric(one->ifa_addr, sizeof(sockaddr_in)));
    if (family == AF_INET6) out.push_back(numeric(one->ifa_addr, sizeof(sockaddr_in6)));
  }
  ::freeifaddrs(list);
  return out;
}

bool is_numeric(const std::string& host) {
  return look_up(host, "", AI_NUMERICHOST).has_value();
}

Result<void> try_connect(const HostPort& to, int timeout_ms) {
  auto found = look_up(to.host, std::to_string(to.port), AI_NUMERICHOST | AI_NUMERICSERV);
  if (!found) return Unexpected(found.error());
  const addrinfo& info = **found;
  UniqueFd fd(::socket(info.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("socket");
  if (::connect(fd.get(), info.ai_addr, info.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return errno_error("connect to " + to.text());
  pollfd ready{fd.get(), POLLOUT, 0};
  if (::poll(&ready, 1, timeout_ms) != 1) return Unexpected("connect to " + to.text() + ": nobody answers");
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) return {};
  errno = error;
  return errno_error("connect to " + to.text());
}

}  // namespace headgate::preflight

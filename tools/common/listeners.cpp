// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/listeners.h>

#include <base/io.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <sstream>

namespace headgate::tools {
namespace {

struct HostPort {
  std::string host, port;
};

// As getaddrinfo takes a larger one, too, of which it keeps the lower 16 bits.
bool is_port(const std::string& text) {
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, port);
  return read.ec == std::errc() && read.ptr == end;
}

Result<HostPort> split_address(const std::string& address) {
  size_t colon = address.rfind(':');
  if (colon == std::string::npos)
    return Unexpected("'" + address + "' is not HOST:PORT (for example 0.0.0.0:8080)");
  HostPort out{address.substr(0, colon), address.substr(colon + 1)};
  if (out.host.size() >= 2 && out.host.front() == '[' && out.host.back() == ']')
    out.host = out.host.substr(1, out.host.size() - 2);
  if (out.host == "*") out.host.clear();
  if (!is_port(out.port)) return Unexpected("'" + address + "': a port from 0 to 65535 is needed");
  return out;
}

using AddressPtr = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Result<AddressPtr> read_address(const std::string& address, int type) {
  auto parts = split_address(address);
  if (!parts) return Unexpected(parts.error());
  addrinfo hints{};
  hints.ai_socktype = type;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  int error =
      getaddrinfo(parts->host.empty() ? nullptr : parts->host.c_str(), parts->port.c_str(), &hints, &found);
  if (error != 0)
    return Unexpected("address '" + address + "': " + gai_strerror(error) +
                      " (a numeric HOST:PORT is needed)");
  return AddressPtr(found, &freeaddrinfo);
}

Unexpected port_error(const std::string& what) {
  Error error = errno_error(what).take();
  if (error.code == EADDRINUSE) error.message += ": another program has this port (`ss -tulpn` tells which)";
  return Unexpected(std::move(error));
}

Result<UniqueFd> bound_socket(const std::string& address, int type) {
  auto found = read_address(address, type);
  if (!found) return Unexpected(found.error());
  const addrinfo* at = found->get();
  UniqueFd fd(::socket(at->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  int on = 1;
  if (!fd || (type == SOCK_STREAM && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0))
    return errno_error("socket for " + address);
  if (::bind(fd.get(), at->ai_addr, at->ai_addrlen) != 0) return port_error("bind " + address);
  return fd;
}

int number_of(const char* text) {
  return text ? std::atoi(text) : 0;
}

}  // namespace

Result<UniqueFd> listen_tcp(const std::string& address) {
  auto fd = bound_socket(address, SOCK_STREAM);
  if (fd && ::listen(fd->get(), kListenBacklog) != 0) return port_error("listen on " + address);
  return fd;
}

Result<void> check_addresses(const std::string& ports) {
  const std::vector<std::string> all = addresses_of(ports);
  if (all.empty()) return Unexpected("'" + ports + "': a port from 0 to 65535 is needed");
  for (const std::string& address : all)
    if (auto right = read_address(address, SOCK_STREAM); !right) return Unexpected(right.error());
  return {};
}

Result<UniqueFd> bind_udp(const std::string& address) {
  return bound_socket(address, SOCK_DGRAM);
}

std::vector<std::string> addresses_of(const std::string& ports) {
  std::vector<std::string> out;
  const std::string host = ports.substr(0, ports.rfind(':') + 1);
  std::istringstream rest(ports.substr(host.size()));
  for (std::string port; std::getline(rest, port, ',');) out.push_back(host + port);
  return out;
}

Result<std::string> bound_address(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    return errno_error("getsockname");
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  int error = getnameinfo(reinterpret_cast<sockaddr*>(&address), length, host.data(), host.size(),
                          port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV);
  if (error != 0) return Unexpected(std::string("getnameinfo: ") + gai_strerror(error));
  bool v6 = address.ss_family == AF_INET6;
  return (v6 ? "[" : "") + std::string(host.data()) + (v6 ? "]:" : ":") + port.data();
}

Listeners take_inherited_listeners() {
  Listeners out;
  const char* pid = std::getenv("LISTEN_PID");
  int count = number_of(std::getenv("LISTEN_FDS"));
  const char* names_text = std::getenv("LISTEN_FDNAMES");
  std::istringstream names(names_text ? names_text : "");
  bool ours = pid && number_of(pid) == static_cast<int>(::getpid());
  for (int fd = kFirstListenFd; ours && fd < kFirstListenFd + count; ++fd) {
    std::string name;
    if (!std::getline(names, name, ':')) name = "unknown";
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    out.emplace(name, UniqueFd(fd));
  }
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(variable);
  return out;
}

std::string listener_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ":") + name;
  return out;
}

}  // namespace headgate::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <preflight/port_owner.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <set>
#include <string>

#include <base/unique_fd.h>

namespace headgate::preflight {
namespace {

// A socket of this process, bound to a port of the kernel's choice.
struct Socket {
  explicit Socket(int type) : fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(::listen(fd.get(), 1), 0);
    }
    EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
  }
  UniqueFd fd;
  int port = 0;
};

TEST(PreflightPortOwner, TellsWhoHasAPortAndWhichPortsSomebodyHas) {
  const Machine machine;
  const Socket tcp(SOCK_STREAM), udp(SOCK_DGRAM);
  const std::string self = "(pid " + std::to_string(::getpid()) + ")";
  EXPECT_NE(owner_of_port(machine, tcp.port, false).find(self), std::string::npos);
  EXPECT_NE(owner_of_port(machine, udp.port, true).find(self), std::string::npos);
  EXPECT_EQ(ports_of(machine, ::getpid(), false).count(tcp.port), 1U);
  EXPECT_EQ(ports_of(machine, ::getpid(), true), std::set<int>{udp.port});
  EXPECT_TRUE(ports_of(machine, INT32_MAX, false).empty());
}

}  // namespace
}  // namespace headgate::preflight

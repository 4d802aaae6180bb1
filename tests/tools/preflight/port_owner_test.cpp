// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <preflight/port_owner.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>

#include <base/unique_fd.h>

#include "scratch_directory.h"

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

// As many as a node has on the day, the one that is asked for behind them.
TEST(PreflightPortOwner, ThereMayBeManyOthers) {
  const test::ScratchDirectory scratch;
  std::string table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
  constexpr int kMany = 12'000;
  for (int i = 0; i <= kMany; ++i) {
    char line[200];
    std::snprintf(line, sizeof line,
                  "%5d: 0100007F:%04X 0100007F:078F 01 00000000:00000000 00:00000000 00000000  1000        0 "
                  "%d 1 0000000000000000 20 4 30 10 -1\n",
                  i, 1024 + i, 500'000 + i);
    table += line;
  }
  scratch.write("net/tcp", table);
  std::filesystem::create_directories(scratch.path() + "/77/fd");
  std::filesystem::create_symlink("socket:[" + std::to_string(500'000 + kMany) + "]",
                                  scratch.path() + "/77/fd/3");
  Machine machine;
  machine.proc = scratch.path();
  EXPECT_EQ(ports_of(machine, 77, false), std::set<int>{1024 + kMany});
}

}  // namespace
}  // namespace headgate::preflight

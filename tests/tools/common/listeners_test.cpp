// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/listeners.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace headgate::tools {
namespace {

TEST(Listeners, TakeNumericAddressesOfEitherKind) {
  for (const char* good :
       {"0.0.0.0:8080", "[::1]:443", ":1935", "*:0", "127.0.0.1:65535", "0.0.0.0:9000,9001"})
    EXPECT_TRUE(check_addresses(good)) << good;
}

TEST(Listeners, RefuseWhatIsNoAddressBeforeAnythingIsOpened) {
  for (const char* wrong : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:80x",
                            "127.0.0.1:-1", "127.0.0.1: 80", "localhost:80", "0.0.0.0:9000,99999"})
    EXPECT_FALSE(check_addresses(wrong)) << wrong;
}

// getaddrinfo makes 34463 of it.
TEST(Listeners, DoNotTakeTheLowerBitsOfALargePort) {
  const auto tcp = listen_tcp("127.0.0.1:99999");
  ASSERT_FALSE(tcp);
  EXPECT_EQ(tcp.error().message, "'127.0.0.1:99999': a port from 0 to 65535 is needed");
  EXPECT_FALSE(bind_udp("127.0.0.1:65536"));
  const auto chosen = listen_tcp("127.0.0.1:0");
  ASSERT_TRUE(chosen) << chosen.error().message;
  EXPECT_NE(*bound_address(chosen->get()), "127.0.0.1:0");
}

TEST(Listeners, SayWhatToDoWhenAPortIsTaken) {
  const auto first = listen_tcp("127.0.0.1:0");
  ASSERT_TRUE(first) << first.error().message;
  const auto second = listen_tcp(*bound_address(first->get()));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_NE(second.error().message.find("`ss -tulpn` tells which"), std::string::npos)
      << second.error().message;
}

}  // namespace
}  // namespace headgate::tools

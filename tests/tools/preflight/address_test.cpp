// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/listeners.h>
#include <gtest/gtest.h>
#include <preflight/address.h>
#include <preflight/port_owner.h>

#include <algorithm>

namespace headgate::preflight {
namespace {

TEST(PreflightAddress, HasHostAndPort) {
  const auto v4 = parse_host_port("192.0.2.7:1935"), v6 = parse_host_port("[2001:db8::1]:443"),
             any = parse_host_port(":80");
  ASSERT_TRUE(v4 && v6 && any);
  EXPECT_EQ(v4->host, "192.0.2.7");
  EXPECT_EQ(v4->port, 1935);
  EXPECT_EQ(v6->host, "2001:db8::1");
  EXPECT_EQ(v6->text(), "[2001:db8::1]:443");
  EXPECT_EQ(reachable(*any).text(), "[::1]:80");
  EXPECT_EQ(reachable(*parse_host_port("0.0.0.0:8080")).text(), "127.0.0.1:8080");
}

TEST(PreflightAddress, RefusesWhatIsNone) {
  for (const char* text : {"", "host", "host:", "host:x", "host:80x", "host:-1", "host:65536"})
    EXPECT_FALSE(parse_host_port(text)) << text;
  EXPECT_FALSE(parse_endpoints("a.example:1935,b.example"));
  EXPECT_EQ(parse_endpoints("a.example:1935,b.example:443")->size(), 2U);
  EXPECT_TRUE(parse_endpoints("")->empty());
}

TEST(PreflightAddress, KnowsNumbersAndItsOwn) {
  EXPECT_TRUE(is_numeric("::1"));
  EXPECT_FALSE(is_numeric("ingest.example.org"));
  const auto own = own_addresses();
  EXPECT_NE(std::find(own.begin(), own.end(), "127.0.0.1"), own.end());
}

TEST(PreflightAddress, ConnectsWhereSomebodyListens) {
  auto fd = tools::listen_tcp("127.0.0.1:0");
  ASSERT_TRUE(fd) << fd.error().message;
  const auto bound = parse_host_port(*tools::bound_address(fd->get()));
  ASSERT_TRUE(bound);
  EXPECT_TRUE(try_connect(*bound, 5000));
  // Who listens is this test.
  EXPECT_NE(owner_of_port(Machine(), bound->port, false).find("(pid " + std::to_string(::getpid()) + ")"),
            std::string::npos);
  fd->reset();
  EXPECT_FALSE(try_connect(*bound, 5000));
  EXPECT_EQ(owner_of_port(Machine(), bound->port, false), "");
}

}  // namespace
}  // namespace headgate::preflight

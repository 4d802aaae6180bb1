// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preflight/instance_claims.h"

#include <gtest/gtest.h>

namespace headgate::preflight {
namespace {

std::string ports_of(const std::string& line) {
  auto claims = claims_of(line);
  if (!claims) return claims.error().message;
  std::string out;
  for (const PortClaim& one : claims->ports)
    out += one.at.host + ":" + std::to_string(one.at.port) + (one.udp ? "/udp " : "/tcp ");
  return out;
}

TEST(InstanceClaims, PortsAreThoseThatItListensOn) {
  EXPECT_EQ(ports_of("videotestsrc ! tcpserversink host=10.0.0.1 port=9500 ! x"), "10.0.0.1:9500/tcp ");
  EXPECT_EQ(ports_of("tcpserversrc ! fakesink"), "127.0.0.1:4953/tcp ");
  EXPECT_EQ(ports_of("udpsrc address=0.0.0.0 port=9600 ! fakesink"), ":9600/udp ");
  EXPECT_EQ(ports_of("srtsrc uri=\"srt://0.0.0.0:9710?mode=listener\" ! srtsink uri=srt://:9711"),
            ":9710/udp :9711/udp ");
  EXPECT_EQ(ports_of("srtsrc uri=srt://host:9710 ! srtsink uri=srt://host:9711 mode=listener"),
            "host:9711/udp ");
  EXPECT_EQ(ports_of("tcpclientsrc host=a port=1 ! udpsink host=b port=2"), "") << "these go to somebody";
}

TEST(InstanceClaims, StationsAndDevices) {
  auto claims = claims_of(
      "v4l2src device=/dev/video9 ! segmentarchiver event=7 station=3 alsasrc device=hw:0 ! fakesink");
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->stations, (std::vector<InstanceClaims::Station>{{7, 3}}));
  EXPECT_EQ(claims->devices, std::vector<std::string>{"/dev/video9"});
}

TEST(InstanceClaims, WhoCollides) {
  const auto tcp = [](const char* text) { return claim_of(text, false); };
  EXPECT_TRUE(collide(tcp("127.0.0.1:9500"), tcp("localhost:9500")));
  EXPECT_TRUE(collide(tcp("127.0.0.1:9500"), tcp(":9500")));
  EXPECT_TRUE(collide(tcp("[::]:9500"), tcp("10.0.0.1:9500")));
  EXPECT_FALSE(collide(tcp("127.0.0.1:9500"), tcp("10.0.0.1:9500")));
  EXPECT_FALSE(collide(tcp("127.0.0.1:9500"), tcp("127.0.0.1:9501")));
  EXPECT_FALSE(collide(tcp("127.0.0.1:0"), tcp("127.0.0.1:0")));
  EXPECT_FALSE(collide(tcp("127.0.0.1:9500"), claim_of("127.0.0.1:9500", true)));
  EXPECT_TRUE(collide(claim_of("127.0.0.1:9600", true), claim_of("127.0.0.1:9600", true)));
  EXPECT_FALSE(collide(claim_of("239.255.42.1:9600", true), claim_of("239.255.42.1:9600", true)));
}

}  // namespace
}  // namespace headgate::preflight

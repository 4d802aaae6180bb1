// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <srt/relay.h>

#include <limits>

namespace headgate::srt {
namespace {

LinkStats every_field() {
  LinkStats stats;
  stats.mono_us = 123'456'789'012;
  stats.received_packets = 1;
  stats.received_bytes = std::numeric_limits<uint64_t>::max();
  stats.retransmitted_packets = 3;
  stats.lost_packets = 4;
  stats.dropped_packets = 5;
  stats.undecrypted_packets = 6;
  stats.held_ms = 7;
  stats.rtt_us = 80'000;
  stats.bandwidth_kbps = std::numeric_limits<uint32_t>::max();
  stats.rate_kbps = 10;
  stats.buffer_ms = 11;
  stats.latency_ms = 120;
  return stats;
}

ByteVector encoded(const LinkStats& stats) {
  ByteVector out;
  encode(stats, out);
  return out;
}

ByteVector payload(size_t size, std::byte first) {
  ByteVector out(size, std::byte{0xff});
  if (size > 0) out.front() = first;
  return out;
}

TEST(Relay, StatisticsComeBackAsTheyWere) {
  auto packet = decode_relay(encoded(every_field()));
  ASSERT_TRUE(packet) << packet.error().message;
  ASSERT_TRUE(std::holds_alternative<LinkStats>(*packet));
  EXPECT_EQ(std::get<LinkStats>(*packet), every_field());
}

TEST(Relay, StatisticsOfAnotherLengthOrVersionAreRefused) {
  const ByteVector whole = encoded(every_field());
  EXPECT_LE(whole.size(), kMaxPacket);
  for (size_t size = 1; size < whole.size(); ++size)
    EXPECT_FALSE(decode_relay(Bytes(whole).first(size))) << size;
  ByteVector longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decode_relay(longer));
  ByteVector future = whole;
  future[1] = std::byte{2};
  EXPECT_FALSE(decode_relay(future));
}

TEST(Relay, TsIsTheWholePacket) {
  const ByteVector ts = payload(7 * 188, kTsSync);
  auto packet = decode_relay(ts);
  ASSERT_TRUE(packet) << packet.error().message;
  EXPECT_EQ(std::get<Bytes>(*packet).data(), ts.data());
  EXPECT_EQ(std::get<Bytes>(*packet).size(), ts.size());
}

TEST(Relay, WhatDoesNotBeginWithTsStandsBehindAMark) {
  ByteVector ts = payload(189, kUnalignedMark);
  ts[1] = kStatsMark;  // of the payload: means nothing
  auto packet = decode_relay(ts);
  ASSERT_TRUE(packet) << packet.error().message;
  EXPECT_EQ(std::get<Bytes>(*packet).data(), ts.data() + 1);
  EXPECT_EQ(std::get<Bytes>(*packet).size(), 188u);
}

TEST(Relay, WhatStandsBehindAHole) {
  ByteVector ts = payload(190, kHoleMark);
  ts[1] = std::byte{3};
  auto packet = decode_relay(ts);
  ASSERT_TRUE(packet) << packet.error().message;
  ASSERT_TRUE(std::holds_alternative<AfterHole>(*packet));
  EXPECT_EQ(std::get<AfterHole>(*packet).missing, 3u);
  EXPECT_EQ(std::get<AfterHole>(*packet).payload.data(), ts.data() + 2);
  EXPECT_EQ(std::get<AfterHole>(*packet).payload.size(), 188u);
  ts[1] = std::byte{0};  // no hole
  EXPECT_FALSE(decode_relay(ts));
}

TEST(Relay, SizesAreBounded) {
  EXPECT_FALSE(decode_relay({}));
  EXPECT_FALSE(decode_relay(payload(1, kUnalignedMark)));
  EXPECT_TRUE(decode_relay(payload(1, kTsSync)));
  EXPECT_TRUE(decode_relay(payload(kMaxPayload, kTsSync)));
  EXPECT_FALSE(decode_relay(payload(kMaxPayload + 1, kTsSync)));
  EXPECT_TRUE(decode_relay(payload(kMaxPayload + 1, kUnalignedMark)));
  EXPECT_FALSE(decode_relay(payload(kMaxPayload + 2, kUnalignedMark)));
  EXPECT_FALSE(decode_relay(payload(2, kHoleMark)));
  EXPECT_TRUE(decode_relay(payload(kMaxPayload + 2, kHoleMark)));
  EXPECT_FALSE(decode_relay(payload(kMaxPayload + 3, kHoleMark)));
}

TEST(Relay, UnknownKindsAreRefused) {
  for (int first = 0; first < 256; ++first) {
    const std::byte byte{static_cast<uint8_t>(first)};
    const bool media = byte == kTsSync || byte == kUnalignedMark || byte == kHoleMark;
    EXPECT_EQ(decode_relay(payload(188, byte)).has_value(), media) << first;
  }
}

}  // namespace
}  // namespace headgate::srt

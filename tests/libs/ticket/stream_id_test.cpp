// SPDX-License-Identifier: LGPL-2.1-or-later
// N7 and N14: what SRT callers name themselves, and the code for what they should not.
#include <gtest/gtest.h>
#include <ticket/stream_id.h>

#include "tv1.h"

namespace headgate::ticket {
namespace {

const std::string kW(tv1::kWireText);

void refused(const std::string& text, int code, std::string_view word = "MALFORMED") {
  auto id = parse_stream_id(text);
  ASSERT_FALSE(id) << text;
  EXPECT_EQ(id.error().code, code) << text << ": " << id.error().message;
  const std::string& message = id.error().message;
  EXPECT_TRUE(message.starts_with(std::string(word) + ": ")) << message;
  EXPECT_LT(message.size(), 200u) << message;
  for (char c : message) EXPECT_TRUE(c >= ' ' && c <= '~') << message;
  EXPECT_EQ(message.back(), '.') << message;
}

StreamId accepted(const std::string& text) {
  auto id = parse_stream_id(text);
  EXPECT_TRUE(id) << text << ": " << id.error().message;
  return id ? *id : StreamId{};
}

TEST(StreamId, WhatAStockClientSends) {
  const std::string text = "#!::m=publish,r=421,u=" + kW;
  EXPECT_EQ(text.size(), 182u);
  EXPECT_EQ(accepted(text), (StreamId{kW, 421u, std::nullopt}));
  EXPECT_EQ(accepted("#!::u=" + kW + ",m=publish"), (StreamId{kW, std::nullopt, std::nullopt}));
  EXPECT_EQ(accepted("#!::h=in.vote.example,r=lt/421,t=stream,s=1,m=publish,u=" + kW),
            (StreamId{kW, 421u, std::nullopt}));
}

TEST(StreamId, OtherCompaniesKeysAreSkipped) {
  EXPECT_EQ(accepted("#!::acme_x=1,m=publish,u=" + kW + ",acme_y="),
            (StreamId{kW, std::nullopt, std::nullopt}));
  refused("#!::acme_x=1,acme_x=2,m=publish,u=" + kW, kBadRequest);
}

TEST(StreamId, TheShortForm) {
  for (const char* behind : {"", ":", "::", "::a=1&b=2"})
    EXPECT_EQ(accepted("publish:421:" + kW + behind), (StreamId{kW, 421u, std::nullopt})) << behind;
  EXPECT_EQ(accepted("publish:live/421:" + kW), (StreamId{kW, 421u, std::nullopt}));
  refused("publish:421", kBadRequest);
  refused("publish:421:", kBadRequest);
  refused("publish:school:" + kW, kBadRequest);
  refused("publish::" + kW, kBadRequest);
  refused("publish", kBadRequest);
}

// N7
TEST(StreamId, OnlyPublishersAreTaken) {
  for (const char* mode : {"", "m=request,", "m=bidirectional,", "m=,", "m=Publish,", "m=publishx,"})
    refused(std::string("#!::") + mode + "r=421,u=" + kW, kBadMode, "BAD-MODE");
  refused("read:421:" + kW, kBadMode, "BAD-MODE");
  refused("Publish:421:" + kW, kBadMode, "BAD-MODE");
  for (const char* type : {"file", "auth", "", "Stream"})
    refused(std::string("#!::m=publish,t=") + type + ",u=" + kW, kUnsupportedMedia, "BAD-TYPE");
}

// N14
TEST(StreamId, LengthAndCharacters) {
  const std::string front = "#!::m=publish,u=" + kW + ",acme_fill=";
  EXPECT_TRUE(parse_stream_id(front + std::string(kMaxStreamIdSize - front.size(), 'x')));
  refused(front + std::string(kMaxStreamIdSize + 1 - front.size(), 'x'), kBadRequest);
  const std::string good = "#!::m=publish,r=421,u=" + kW;
  for (int c = 0; c < 256; ++c) {
    if (c > 0x20 && c < 0x7f) continue;
    refused(good + static_cast<char>(c), kBadRequest);
    refused(static_cast<char>(c) + good, kBadRequest);
  }
  refused(good + std::string(1, '\0') + ",acme_x=1", kBadRequest);
}

TEST(StreamId, SeparatorsInValuesAndKeysTwice) {
  const std::string good = "#!::m=publish,r=421,u=" + kW;
  for (const char* key : {",m=publish", ",r=421", ",h=a,h=b", ",s=1,s=1"}) refused(good + key, kBadRequest);
  refused(good + ",u=" + kW, kBadRequest);
  refused(good + "=", kBadRequest);   // base64 with padding
  refused(good + ",x", kBadRequest);  // a comma in a value
  refused(good + ",,", kBadRequest);
  refused(good + ",=x", kBadRequest);
  refused("#!::m=publish,r=4=21,u=" + kW, kBadRequest);
}

TEST(StreamId, KeysThatAreNotKnownAreTold) {
  for (const char* key : {"U", "M", "x", "user", "streamid"})
    refused("#!::m=publish,u=" + kW + "," + key + "=1", kBadRequest);
  refused("#!::m=publish,U=" + kW, kBadRequest);
}

TEST(StreamId, StationsAreNumbers) {
  EXPECT_EQ(accepted("#!::m=publish,r=4294967295,u=" + kW).station, 4294967295u);
  for (const char* station : {"", "4294967296", "-1", "+1", "42x", "0x1", "421/", "school"})
    refused(std::string("#!::m=publish,r=") + station + ",u=" + kW, kBadRequest);
}

TEST(StreamId, SecretsDoNotBelongInIt) {
  refused("#!::m=publish,u=" + kW + ".TTCeROSyhHiwO-xGusALYIg", kBadRequest);
  refused("publish:421:" + kW + ":" + std::string(tv1::kSrtPassphrase), kBadRequest);
}

TEST(StreamId, WhatIsNoTicketOrOfAnotherSyntax) {
  for (const char* text : {"", "#", "#!", "#!:", "#!:{m=publish}", "#!::", "#!::m=publish",
                           "#!::m=publish,u=", "live/stream", "mystream", ":", "::"})
    EXPECT_FALSE(parse_stream_id(text)) << text;
  refused("", kBadRequest);
  refused("#!::m=publish,r=421", kBadRequest);
  refused("#!:{m=publish,u=" + kW + "}", kBadRequest);
  refused("%23!::m=publish,u=" + kW, kBadMode, "BAD-MODE");
  refused("#!::m=publish,u=%41" + kW.substr(1), kBadRequest);
}

TEST(StreamId, ADevicesProof) {
  ByteVector proof;
  ByteWriter(proof).u64(1'789'400'000'123);
  DeviceProof device;
  device.counter = 1'789'400'000'123;
  device.key.fill(std::byte{0x5a});
  device.signature.fill(std::byte{0xa5});
  proof.insert(proof.end(), device.signature.begin(), device.signature.end());
  const std::string key = to_base64url(device.key), signed_counter = to_base64url(proof);
  const std::string good = "#!::m=publish,r=421,u=" + kW;
  const std::string whole = good + ",lts_d=" + key + ",lts_p=" + signed_counter;
  EXPECT_LE(whole.size(), 338u);
  EXPECT_EQ(accepted(whole).device, device);
  EXPECT_EQ(accepted(good + ",lts_p=" + signed_counter + ",lts_d=" + key).device, device);
  refused(good + ",lts_d=" + key, kBadRequest);
  refused(good + ",lts_p=" + signed_counter, kBadRequest);
  refused(good + ",lts_d=" + key.substr(1) + ",lts_p=" + signed_counter, kBadRequest);
  refused(good + ",lts_d=" + key + ",lts_p=" + signed_counter.substr(4), kBadRequest);
  refused(whole + ",lts_d=" + key, kBadRequest);
}

}  // namespace
}  // namespace headgate::ticket

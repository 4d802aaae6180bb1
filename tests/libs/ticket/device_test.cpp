// SPDX-License-Identifier: LGPL-2.1-or-later
// A device's key: its proof, and an app's own form of a publish name.
#include <gtest/gtest.h>
#include <ticket/publish_name.h>
#include <ticket/stream_id.h>

#include "tv1.h"

namespace headgate::ticket {
namespace {

const std::string kW(tv1::kWireText), kKey(tv1::kDeviceKeyText), kProof(tv1::kDeviceProofText),
    kMac(tv1::kPossessionMacText);
const std::string kFields = "?t=" + kW + "&d=" + kKey + "&p=" + kProof + "&m=" + kMac;

class Devices : public testing::Test {
 protected:
  int refusal(const DeviceProof& proof) {
    auto device = verifier_.verify_device(ticket_, proof);
    if (device) return 0;
    EXPECT_TRUE(device.error().message.starts_with("BAD-DEVICE: ")) << device.error().message;
    EXPECT_LT(device.error().message.size(), 200u);
    return device.error().code;
  }

  const Ticket ticket_ = *parse_wire(tv1::kWireText);
  const DeviceProof proof_ = *parse_device_proof(kKey, kProof);
  Verifier verifier_{tv1::node_keys()};
};

TEST_F(Devices, Tv1sIsRight) {
  EXPECT_EQ(to_hex(proof_.key), tv1::kDevicePublic);
  EXPECT_EQ(proof_.counter, tv1::kDeviceCounter);
  EXPECT_EQ(to_base64url(possession_mac(*verifier_.seed_of(ticket_), ticket_, proof_)), kMac);
  ASSERT_TRUE(verifier_.set_endpoints({"a1.in.vote.example:9000", "C3.in.vote.example:443"}));
  auto device = verifier_.verify_device(ticket_, proof_);
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_EQ(**device, (Device{proof_.key, tv1::kDeviceCounter}));
}

TEST_F(Devices, WithoutAnEndpointNothingCanBeSaid) {
  auto device = verifier_.verify_device(ticket_, proof_);
  ASSERT_TRUE(device);
  EXPECT_FALSE(*device);
}

// N18
TEST_F(Devices, OfAnotherEndpointTicketOrCounter) {
  ASSERT_TRUE(verifier_.set_endpoints({"c3.in.vote.example:444", "c4.in.vote.example:443"}));
  EXPECT_EQ(refusal(proof_), kUnauthorized);
  ASSERT_TRUE(verifier_.set_endpoints({"c3.in.vote.example:443"}));
  EXPECT_EQ(refusal(proof_), 0);
  DeviceProof other = proof_;
  ++other.counter;
  EXPECT_EQ(refusal(other), kUnauthorized);
  Ticket changed = ticket_;
  changed.wire[24] ^= std::byte{1};
  EXPECT_FALSE(verifier_.verify_device(changed, proof_));
  EXPECT_NE(possession_mac(*verifier_.seed_of(ticket_), changed, proof_),
            possession_mac(*verifier_.seed_of(ticket_), ticket_, proof_));
  for (size_t bit = 0; bit < 8 * proof_.signature.size(); ++bit) {
    other = proof_;
    other.signature = tv1::flipped(proof_.signature, bit);
    EXPECT_EQ(refusal(other), kUnauthorized) << bit;
  }
  for (size_t bit = 0; bit < 8 * proof_.key.size(); ++bit) {
    other = proof_;
    other.key = tv1::flipped(proof_.key, bit);
    EXPECT_EQ(refusal(other), kUnauthorized) << bit;
  }
  // A key of small order, whose signature fits anything where nobody looks.
  other = proof_;
  other.key = {std::byte{1}};
  other.signature = {std::byte{1}};
  EXPECT_EQ(refusal(other), kUnauthorized);
}

TEST_F(Devices, EndpointsThatAreNone) {
  for (const char* text :
       {"", "host", "host:", ":443", "host:0", "host:65536", "host:443x", "2001:db8::1:443"})
    EXPECT_FALSE(endpoint_hash(text)) << text;
  EXPECT_TRUE(endpoint_hash("[2001:db8::1]:443"));
  EXPECT_EQ(to_hex(*endpoint_hash("c3.In.Vote.Example:443")), tv1::kEndpointHash);
  EXPECT_FALSE(verifier_.set_endpoints({"a:1", "b"}));
}

TEST(PublishNames, AsPeopleTypeThem) {
  EXPECT_EQ(parse_publish_name(kW)->wire, kW);
  EXPECT_FALSE(parse_publish_name(kW)->secret);
  EXPECT_EQ(parse_publish_name("inst/" + kW + "?x=1&y")->wire, kW);
  auto bearer = parse_publish_name("a/b/" + kW + ".c2VjcmV0.x");
  EXPECT_EQ(bearer->wire, kW);
  EXPECT_EQ(bearer->secret, "c2VjcmV0.x");
  EXPECT_EQ(parse_publish_name(kW + ".")->secret, "");
  EXPECT_EQ(parse_publish_name("")->wire, "");
  EXPECT_FALSE(parse_publish_name(kW + "?d=" + kKey)->app) << "without t= it is a client's query";
}

TEST(PublishNames, AsAnAppSaysThem) {
  for (const std::string& name : {"421" + kFields, "lt/421" + kFields,
                                  "421?m=" + kMac + "&p=" + kProof + "&x=1&d=" + kKey + "&t=" + kW + "&"}) {
    auto parsed = parse_publish_name(name);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->wire, kW);
    EXPECT_EQ(parsed->station, 421u);
    EXPECT_FALSE(parsed->secret);
    ASSERT_TRUE(parsed->app);
    EXPECT_EQ(parsed->app->device, *parse_device_proof(kKey, kProof));
    EXPECT_EQ(to_base64url(parsed->app->mac), kMac);
  }
}

TEST(PublishNames, AppsFormsThatAreWrong) {
  for (const std::string& name :
       {kFields, "four" + kFields, "-1" + kFields, "4294967296" + kFields, "421" + kFields + "&t=" + kW,
        "421" + kFields + "&m=", "421?t=" + kW, "421?t=" + kW + "&d=" + kKey + "&p=" + kProof,
        "421?t=" + kW + "&d=" + kKey + "&m=" + kMac, "421?t=" + kW + "&p=" + kProof + "&m=" + kMac,
        "421?t=" + kW + "&d=" + kKey.substr(1) + "&p=" + kProof + "&m=" + kMac,
        "421?t=" + kW + "&d=" + kKey + "&p=" + kProof + "A&m=" + kMac,
        "421?t=" + kW + "&d=" + kKey + "&p=" + kProof + "&m=" + kMac + "="}) {
    auto parsed = parse_publish_name(name);
    ASSERT_FALSE(parsed) << name;
    EXPECT_EQ(parsed.error().code, kBadRequest);
    EXPECT_TRUE(parsed.error().message.starts_with("MALFORMED: ")) << parsed.error().message;
    EXPECT_LT(parsed.error().message.size(), 200u);
  }
}

}  // namespace
}  // namespace headgate::ticket

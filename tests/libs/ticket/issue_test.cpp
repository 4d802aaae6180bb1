// SPDX-License-Identifier: LGPL-2.1-or-later
// Issuing: the vector to the byte, and what is refused.
#include <gtest/gtest.h>
#include <ticket/issuer.h>
#include <ticket/qr_ticket.h>
#include <ticket/verifier.h>

#include "tv1.h"

namespace headgate::ticket {
namespace {

TEST(Issue, Tv1ToTheByte) {
  Issuer issuer(tv1::issuer_keys());
  auto clear = issuer.issue(tv1::request());
  ASSERT_TRUE(clear) << clear.error().message;
  EXPECT_EQ(to_hex(clear->ticket.wire), tv1::kWire);
  EXPECT_EQ(clear->ticket.wire_text(), tv1::kWireText);
  EXPECT_EQ(to_hex(clear->seed), tv1::kSeed);
  EXPECT_EQ(srt_passphrase(clear->seed, clear->ticket), tv1::kSrtPassphrase);
  EXPECT_EQ(to_hex(clear->blob), tv1::kQrClear);

  IssueRequest request = tv1::request();
  request.seal = Seal::kFleet;
  auto sealed = issuer.issue(request);  // the same ticket once more: allowed
  ASSERT_TRUE(sealed) << sealed.error().message;
  EXPECT_EQ(to_hex(sealed->blob), tv1::kQrSealed);
}

TEST(Issue, Tv1Fields) {
  auto ticket = parse_wire(tv1::kWireText);
  ASSERT_TRUE(ticket);
  EXPECT_EQ(ticket->kid, tv1::kKid);
  EXPECT_EQ(to_hex(ticket->tid), tv1::kTid);
  EXPECT_EQ(ticket->event, tv1::kEvent);
  EXPECT_EQ(ticket->station, tv1::kStation);
  EXPECT_EQ(ticket->not_before, tv1::kNotBefore);
  EXPECT_EQ(ticket->expires, tv1::kExpires);
  EXPECT_EQ(ticket->max_kbps, 2000);
  EXPECT_EQ(ticket->codecs, kH264 | kH265 | kAac);
  EXPECT_EQ(ticket->takeover_policy(), 0);
  EXPECT_EQ(ticket->max_sessions(), 2);
  EXPECT_TRUE(ticket->flags & kFlagChallengePlain);
  EXPECT_FALSE(ticket->flags & kFlagBearerOverTls);
}

TEST(Issue, RtmpNameAndPasswordAreBase32) {
  EXPECT_EQ(rtmp_user(tv1::array_of_hex<16>(tv1::kTid)), "AAISEM2EKVTHPCEZVK54ZXPO74");
  EXPECT_EQ(rtmp_password(tv1::array_of_hex<16>(tv1::kSeed)), "JUYJ4RFSQZDYULTAXLCGWA3ARA");
}

TEST(Issue, EveryFlagPolicySessionsAndKidComesBack) {
  for (int kid : {0, 1, 128, 255}) {
    IssuerKeys keys = tv1::issuer_keys();
    keys.kid = static_cast<uint8_t>(kid);
    NodeKeys node = tv1::node_keys();
    node.issuers = {{keys.kid, tv1::array_of_hex<32>(tv1::kIssuerPublic)}};
    Issuer issuer(keys);
    Verifier verifier(node);
    for (unsigned flags = 0; flags < 0x100; ++flags) {
      IssueRequest request = tv1::request();
      request.tid = new_ticket_id();
      request.flags = static_cast<uint16_t>(flags);
      request.codecs = kH264 | kH265 | kAv1 | kAac | kOpus;
      auto issued = issuer.issue(request);
      if ((flags >> kFlagTakeoverShift & 3) == 3) {
        EXPECT_FALSE(issued) << flags;
        continue;
      }
      ASSERT_TRUE(issued) << issued.error().message;
      auto verified = verifier.verify(issued->ticket.wire_text(), tv1::kNow);
      ASSERT_TRUE(verified) << verified.error().message;
      EXPECT_EQ(verified->kid, kid);
      EXPECT_EQ(verified->flags, flags);
      EXPECT_EQ(verified->codecs, request.codecs);
    }
  }
}

TEST(Issue, RefusesWhatCannotBeSaid) {
  Issuer issuer(tv1::issuer_keys());
  auto refused = [&](auto change, std::string_view reason) {
    IssueRequest request = tv1::request();
    change(request);
    auto issued = issuer.issue(request);
    ASSERT_FALSE(issued) << reason;
    EXPECT_NE(issued.error().message.find(reason), std::string::npos) << issued.error().message;
    EXPECT_EQ(issued.error().code, kBadRequest);
  };
  refused([](auto& r) { r.expires = r.not_before; }, "end before it starts");
  refused([](auto& r) { r.expires = r.not_before - 1; }, "end before it starts");
  refused([](auto& r) { r.not_before = -1; }, "between 1970 and 2106");
  refused([](auto& r) { r.expires = int64_t{1} << 32; }, "between 1970 and 2106");
  refused([](auto& r) { r.flags = 0x0100; }, "reserved bits");
  refused([](auto& r) { r.codecs = 0x0008; }, "reserved bits");
  refused([](auto& r) { r.hints.label = std::string(61, 'x'); }, "61 bytes");
  refused([](auto& r) { r.hints.label = "a\xff"; }, "not UTF-8");
  refused([](auto& r) { r.hints.label = "a\x1b[2J"; }, "control characters");
  refused([](auto& r) { r.hints.endpoints[0].port = 0; }, "port 0");
  refused([](auto& r) { r.hints.endpoints[0].host = "a b"; }, "not a host");
  refused([](auto& r) { r.hints.endpoints[0].host = ""; }, "not a host");
}

TEST(Issue, BlobLimitIs230Bytes) {
  Issuer issuer(tv1::issuer_keys());
  IssueRequest request = tv1::request();
  request.hints = {};
  // 138 bytes without hints; an endpoint of one name costs 2 + 1 + 4 bytes around it, the label 2.
  request.hints.endpoints = {{Protocol::kRtmp, std::string(23, 'h'), 1935}};
  request.hints.label = std::string(60, 'x');
  auto fits = issuer.issue(request);
  ASSERT_TRUE(fits) << fits.error().message;
  EXPECT_EQ(fits->blob.size(), kMaxBlobSize);
  request.tid = new_ticket_id();
  request.hints.endpoints[0].host += 'h';
  auto too_long = issuer.issue(request);
  ASSERT_FALSE(too_long);
  EXPECT_NE(too_long.error().message.find("231 bytes"), std::string::npos) << too_long.error().message;
}

TEST(Issue, SealingNeedsAFleetKey) {
  IssuerKeys keys = tv1::issuer_keys();
  keys.fleet.reset();
  Issuer issuer(keys);
  IssueRequest request = tv1::request();
  request.seal = Seal::kFleet;
  EXPECT_FALSE(issuer.issue(request));
  request.seal = Seal::kNone;
  EXPECT_TRUE(issuer.issue(request));
}

// N17: the tid is the seal's nonce.
TEST(Issue, OneTidIsNeverGivenTwoContents) {
  Issuer issuer(tv1::issuer_keys());
  IssueRequest request = tv1::request();
  request.seal = Seal::kFleet;
  ASSERT_TRUE(issuer.issue(request));
  EXPECT_TRUE(issuer.issue(request));
  for (int what = 0; what < 4; ++what) {
    IssueRequest other = request;
    if (what == 0) other.station++;
    if (what == 1) other.hints.label += '!';
    if (what == 2) other.expires++;
    if (what == 3) other.max_kbps++, other.seal = Seal::kNone;
    auto issued = issuer.issue(other);
    ASSERT_FALSE(issued) << what;
    EXPECT_NE(issued.error().message.find("new id"), std::string::npos);
    other.tid = new_ticket_id();
    EXPECT_TRUE(issuer.issue(other)) << what;
  }
}

TEST(Issue, TicketIdsDiffer) {
  EXPECT_NE(new_ticket_id(), new_ticket_id());
}

}  // namespace
}  // namespace headgate::ticket

// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading QR codes as a phone does.
#include <gtest/gtest.h>
#include <ticket/qr_ticket.h>
#include <ticket/verifier.h>

#include "tv1.h"

namespace headgate::ticket {
namespace {

// As the phone: the code opens and its issuer signed it.
bool accepted(Bytes blob, const FleetKeys& keys = tv1::fleet_keys()) {
  auto opened = open_qr(blob, keys);
  return opened && Verifier(tv1::node_keys()).verify(opened->ticket.wire_text(), tv1::kNow, tv1::kStation);
}

void refused(Bytes blob, const FleetKeys& keys, std::string_view reason) {
  auto opened = open_qr(blob, keys);
  ASSERT_FALSE(opened) << reason;
  EXPECT_EQ(opened.error().code, kBadRequest);
  EXPECT_NE(opened.error().message.find(reason), std::string::npos) << opened.error().message;
}

TEST(QrTicket, OpensTv1ClearAndSealed) {
  for (std::string_view hex : {tv1::kQrClear, tv1::kQrSealed}) {
    auto opened = open_qr(tv1::bytes_of_hex(hex), tv1::fleet_keys());
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(to_hex(opened->ticket.wire), tv1::kWire);
    EXPECT_EQ(to_hex(opened->seed), tv1::kSeed);
    EXPECT_EQ(opened->hints, tv1::hints());
    EXPECT_TRUE(accepted(tv1::bytes_of_hex(hex)));
  }
}

TEST(QrTicket, HeadIsReadableWithoutKeys) {
  auto head = read_qr_head(tv1::bytes_of_hex(tv1::kQrSealed));
  ASSERT_TRUE(head);
  EXPECT_EQ(head->kid, tv1::kKid);
  EXPECT_EQ(head->seal, Seal::kFleet);
  EXPECT_EQ(head->fleet, tv1::kFleetId);
  EXPECT_EQ(to_hex(head->tid), tv1::kTid);
}

// N1. Of the open code every byte counts too, the unused fleet id (byte 3) included.
TEST(QrTicket, EverySingleBitFlipIsRefused) {
  for (std::string_view hex : {tv1::kQrClear, tv1::kQrSealed}) {
    ByteVector blob = tv1::bytes_of_hex(hex);
    for (size_t bit = 0; bit < blob.size() * 8; ++bit)
      EXPECT_FALSE(accepted(tv1::flipped(blob, bit))) << "bit " << bit << " of " << blob.size() * 8;
  }
}

TEST(QrTicket, EveryTruncationIsRefused) {
  for (std::string_view hex : {tv1::kQrClear, tv1::kQrSealed}) {
    ByteVector blob = tv1::bytes_of_hex(hex);
    for (size_t size = 0; size < blob.size(); ++size) EXPECT_FALSE(accepted(Bytes(blob).first(size))) << size;
    blob.push_back(std::byte{0});
    EXPECT_FALSE(accepted(blob));
  }
}

// N15
TEST(QrTicket, SealModesAndFleetKeys) {
  ByteVector sealed = tv1::bytes_of_hex(tv1::kQrSealed), clear = tv1::bytes_of_hex(tv1::kQrClear);
  refused(sealed, {}, "SEALED: fleet key 9 is needed");
  refused(sealed, {{8, tv1::array_of_hex<32>(tv1::kFleetKey)}}, "SEALED: fleet key 9 is needed");
  refused(sealed, {{9, tv1::array_of_hex<32>(tv1::kMaster)}}, "does not open with fleet key 9");
  for (int mode : {2, 3, 255}) {
    sealed[2] = clear[2] = static_cast<std::byte>(mode);
    refused(sealed, tv1::fleet_keys(), "seal mode");
    refused(clear, tv1::fleet_keys(), "seal mode");
  }
  clear = tv1::bytes_of_hex(tv1::kQrClear);
  clear[3] = std::byte{9};
  refused(clear, tv1::fleet_keys(), "names a fleet key");
}

// N16
TEST(QrTicket, AlteredHintsOrSeed) {
  std::string hex(tv1::kQrClear);
  ByteVector blob = tv1::bytes_of_hex(hex);
  blob.back() = std::byte{'6'};  // School No 6
  refused(blob, {}, "altered");
  blob = tv1::bytes_of_hex(hex);
  blob[20 + 102] ^= std::byte{1};  // the seed
  refused(blob, {}, "altered");
  blob = tv1::bytes_of_hex(hex);
  blob.resize(20 + 102 + 16);  // no hints at all
  refused(blob, {}, "altered");
}

TEST(QrText, ComesBack) {
  ByteVector blob = tv1::bytes_of_hex(tv1::kQrSealed);
  std::string text = qr_text("t.vote.example", blob);
  EXPECT_TRUE(text.starts_with("HTTPS://T.VOTE.EXAMPLE/#LT1.AEAQCCIA")) << text;
  auto parsed = parse_qr_text(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, blob);
}

// N30
TEST(QrText, LowerCaseAndSpaces) {
  ByteVector blob = tv1::bytes_of_hex(tv1::kQrClear);
  std::string text = qr_text("t.vote.example", blob);
  std::string lower, spaced = "  ";
  for (char c : text) {
    lower += static_cast<char>(std::tolower(c));
    spaced += c;
    spaced += spaced.size() % 9 == 0 ? "\r\n" : " ";
  }
  for (const std::string& form :
       {lower, spaced, text.substr(text.find('#') + 1), lower.substr(lower.find('#') + 1)}) {
    auto parsed = parse_qr_text(form);
    ASSERT_TRUE(parsed) << parsed.error().message << form;
    EXPECT_EQ(*parsed, blob);
  }
}

TEST(QrText, WrongTexts) {
  std::string text = qr_text("t.vote.example", tv1::bytes_of_hex(tv1::kQrClear));
  for (const std::string& wrong :
       {std::string(), std::string("LT1"), std::string("LT2.AEAQ"), std::string("https://t.vote.example/"),
        "http" + text.substr(5), text.substr(0, text.size() - 1) + "1", text + "=", text + "#",
        std::string("LT1.A"), std::string(kMaxQrTextSize + 1, 'A'), text.substr(0, text.size() - 1)}) {
    auto parsed = parse_qr_text(wrong);
    EXPECT_FALSE(parsed) << wrong;
    if (!parsed) {
      EXPECT_TRUE(parsed.error().message.starts_with("MALFORMED: ")) << parsed.error().message;
    }
  }
}

TEST(HintsTlv, Tv1) {
  auto bytes = encode_hints(tv1::hints());
  ASSERT_TRUE(bytes);
  EXPECT_EQ(to_hex(*bytes), tv1::kHints);
  auto decoded = decode_hints(*bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, tv1::hints());
}

TEST(HintsTlv, EveryKindComesBackInOrder) {
  Hints hints;
  hints.endpoints = {{Protocol::kRtmp, "127.0.0.1", 1935},   {Protocol::kSrt, "localhost", 9000},
                     {Protocol::kRtmps, "a.x.example", 443}, {Protocol::kWhip, "b.x.example", 443},
                     {Protocol::kRtmp, "a.y.example", 1935}, {Protocol::kSrt, "2001:db8::1", 65535}};
  hints.label = "\u053c\u0578\u0582\u0575\u057d \u0423\u0447\u0430\u0441\u0442\u043e\u043a \U0001f3eb";
  hints.fallbacks = {{tv1::array_of_hex<4>("c0000201"), 9000}, {tv1::array_of_hex<4>("c0000202"), 1}};
  hints.pin = tv1::array_of_hex<32>(tv1::kMaster);
  auto bytes = encode_hints(hints);
  ASSERT_TRUE(bytes) << bytes.error().message;
  auto decoded = decode_hints(*bytes);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, hints);
}

TEST(HintsTlv, MoreEndpointsThanOneTlvHolds) {
  Hints hints;
  for (int i = 0; i < 60; ++i)
    hints.endpoints.push_back({Protocol::kSrt, "node" + std::to_string(i) + ".in.vote.example", 9000});
  auto bytes = encode_hints(hints);
  ASSERT_TRUE(bytes);
  auto decoded = decode_hints(*bytes);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->endpoints, hints.endpoints);
}

TEST(HintsTlv, EmptyIsGoodAndTheUnknownIsSkipped) {
  ASSERT_TRUE(decode_hints({}));
  EXPECT_EQ(*decode_hints({}), Hints{});
  auto decoded =
      decode_hints(tv1::bytes_of_hex("ff021234"
                                     "020141"
                                     "7f00"));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->label, "A");
  // Protocol 9 from the future, then one that we know.
  decoded =
      decode_hints(tv1::bytes_of_hex("010b00"
                                     "0900010161"
                                     "0300020162"));
  ASSERT_TRUE(decoded) << decoded.error().message;
  ASSERT_EQ(decoded->endpoints.size(), 1u);
  EXPECT_EQ(decoded->endpoints[0].host, "b");
}

TEST(HintsTlv, WrongOnesAreRefused) {
  for (std::string_view hex : {
           "02",                // no length
           "0202",              // no value
           "020341",            // short value
           "0101ff",            // domain longer than the value
           "01050001000101",    // label missing
           "010400010001",      // label length missing
           "0105000100000161",  // port 0 (and a stray byte)
           "01060001000001"
           "61",
           "010500010001"
           "00",                  // neither label nor domain
           "0106000100010120",    // a space as host
           "0106000100010140",    // '@' as host
           "0201ff",              // not UTF-8
           "020107",              // control character
           "0202c285",            // C1 control character
           "0202c080",            // overlong
           "0203eda080",          // surrogate
           "020141020142",        // two names
           "0305c00002011f",      // fallback without whole port
           "0307c0000201232800",  // fallback too long
           "0306c00002010000",    // fallback with port 0
           "04020000",            // short pin
       })
    EXPECT_FALSE(decode_hints(tv1::bytes_of_hex(hex))) << hex;
  ByteVector long_label = tv1::bytes_of_hex("023d");
  long_label.resize(2 + 61, std::byte{'x'});
  EXPECT_FALSE(decode_hints(long_label));
  long_label[1] = std::byte{60};
  long_label.pop_back();
  EXPECT_TRUE(decode_hints(long_label));
}

}  // namespace
}  // namespace headgate::ticket

// SPDX-License-Identifier: LGPL-2.1-or-later
// AMF3 values inside messages of AMF0, written by hand from the specification (0x11, then a marker).
#include <rtmp/flv.h>
#include <rtmp/server.h>

#include "client.h"

namespace headgate::rtmp::test {
namespace {

std::vector<AmfValue> read(const std::string& text, const Limits& limits = {}) {
  auto values = read_amf0(hex(text), limits);
  EXPECT_TRUE(values) << text << ": " << (values ? "" : values.error().message);
  return values ? *values : std::vector<AmfValue>(16);
}

std::string error_of(const std::string& text, const Limits& limits = {}) {
  auto values = read_amf0(hex(text), limits);
  return values ? "" : values.error().message;
}

TEST(Amf3, DynamicObject) {  // {a: 1, b: "xy"}
  const auto values = read("11 0a 0b 01 03 61 04 01 03 62 06 05 7879 01");
  ASSERT_EQ(values.size(), 1u);
  EXPECT_EQ(values[0].type, AmfValue::kObject);
  ASSERT_EQ(values[0].properties.size(), 2u);
  EXPECT_EQ(values[0].real("a"), 1);
  EXPECT_EQ(values[0].text("b"), "xy");
}

TEST(Amf3, SealedMembersAndTraitsByReference) {
  // Class "C" with members a and b: {1, 2}; the same traits again: {3, 4}.
  const auto values = read("11 0a 23 03 43 03 61 03 62 04 01 04 02  11 0a 01 04 03 04 04");
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].real("a"), 1);
  EXPECT_EQ(values[0].real("b"), 2);
  EXPECT_EQ(values[1].real("a"), 3);
  EXPECT_EQ(values[1].real("b"), 4);
}

TEST(Amf3, SealedAndDynamicTogether) {
  const auto values = read("11 0a 1b 01 03 61 03 03 62 02 01");
  ASSERT_EQ(values[0].properties.size(), 2u);
  EXPECT_TRUE(values[0].find("a")->boolean);
  EXPECT_FALSE(values[0].find("b")->boolean);
}

TEST(Amf3, StringsByReference) {
  // "abc", "abc" again; as a property's name; the empty string has no number.
  const auto values = read("11 06 07 616263 11 06 01 11 06 00 11 0a 0b 01 00 06 00 01");
  ASSERT_EQ(values.size(), 4u);
  EXPECT_EQ(values[0].string, "abc");
  EXPECT_EQ(values[1].string, "");
  EXPECT_EQ(values[2].string, "abc");
  EXPECT_EQ(values[3].text("abc"), "abc");
}

TEST(Amf3, Arrays) {
  auto values = read("11 09 07 01 04 01 04 02 06 03 78");
  EXPECT_EQ(values[0].type, AmfValue::kStrictArray);
  ASSERT_EQ(values[0].elements.size(), 3u);
  EXPECT_EQ(values[0].elements[1].number, 2);
  EXPECT_EQ(values[0].elements[2].string, "x");
  values = read("11 09 03 03 61 04 05 01 04 06");  // a: 5, and one element
  EXPECT_EQ(values[0].type, AmfValue::kEcmaArray);
  EXPECT_EQ(values[0].real("a"), 5);
  EXPECT_EQ(values[0].real("0"), 6);
}

TEST(Amf3, DatesXmlAndBytes) {
  const auto values = read("11 08 01 4008000000000000 11 0c 07 010203 11 0b 05 3c3e 11 07 03 61");
  ASSERT_EQ(values.size(), 4u);
  EXPECT_EQ(values[0].type, AmfValue::kDate);
  EXPECT_EQ(values[0].number, 3);
  EXPECT_EQ(values[1].string, std::string("\x01\x02\x03"));
  EXPECT_EQ(values[2].string, "<>");
  EXPECT_EQ(values[3].string, "a");
}

TEST(Amf3, EarlierObjectsAreNotRepeated) {
  // An array that has itself in it; a date that was sent before.
  const auto values = read("11 09 03 01 09 00  11 08 01 4008000000000000 11 08 02");
  ASSERT_EQ(values.size(), 3u);
  ASSERT_EQ(values[0].elements.size(), 1u);
  EXPECT_EQ(values[0].elements[0].type, AmfValue::kUndefined);
  EXPECT_EQ(values[2].type, AmfValue::kUndefined);
}

TEST(Amf3, WhatIsNotTaken) {
  EXPECT_NE(error_of("11 0a 07 01"), "");  // externalizable
  for (const char* marker : {"0d", "0e", "0f", "10", "11", "12", "ff"})
    EXPECT_NE(error_of(std::string("11 ") + marker + " 01"), "") << marker;
  for (const char* bad : {"11 06 02", "11 0a 01", "11 0a 04", "11 09 02", "11 08 00", "11 0c 00"})
    EXPECT_NE(error_of(bad), "") << "a reference to nothing: " << bad;
}

TEST(Amf3, CutShort) {
  const ByteVector whole =
      hex("11 0a 2b 03 43 03 61 03 62 04 8101 05 4008000000000000 03 63 09 03 03 64 08 01 4008000000000000 01"
          " 0c 05 aabb 01");
  ASSERT_TRUE(read_amf0(whole));
  for (size_t size = 1; size < whole.size(); ++size)
    EXPECT_FALSE(read_amf0(Bytes(whole).first(size))) << size;
}

TEST(Amf3, Limits) {
  Limits limits;
  limits.max_amf_depth = 4;
  limits.max_amf_values = 10;
  limits.max_amf_repeated_bytes = 100;
  std::string nested = "11", many = "11 09 17 01";
  for (int i = 0; i < 6; ++i) nested += " 09 03 01";
  for (int i = 0; i < 11; ++i) many += " 01";
  EXPECT_NE(error_of(nested + " 01", limits).find("max_amf_depth"), std::string::npos);
  EXPECT_NE(error_of(many, limits).find("max_amf_values"), std::string::npos);
  EXPECT_EQ(read("11 01 11 01 11 01 11 01 11 01 11 01 11 01 11 01 11 01 11 01", limits).size(), 10u);
  // A string of 60 bytes, once and twice more.
  std::string repeated = "11 06 79";
  for (int i = 0; i < 60; ++i) repeated += " 61";
  EXPECT_EQ(error_of(repeated + " 11 06 00", limits), "");
  EXPECT_NE(error_of(repeated + " 11 06 00 11 06 00", limits).find("max_amf_repeated_bytes"),
            std::string::npos);
  // More members than there may be values, in seven bytes.
  EXPECT_NE(error_of("11 0a 83 83 03 01", limits).find("max_amf_values"), std::string::npos);
}

// connect and onMetaData as Flash's successors send them, with their objects in AMF3.
TEST(Amf3, CommandsAndMetadata) {
  Server server;
  RecordingHandler handler;
  ASSERT_TRUE(server.feed(plain_handshake(), handler));
  server.take_output();
  const ByteVector connect =
      hex("00 02 0007 636f6e6e656374 00 3ff0000000000000"
          " 11 0a 0b 01 07 617070 06 05 6c74 0b 746355726c 06 15 72746d703a2f2f682f6c01");
  ASSERT_TRUE(server.feed(command(connect, 3, 0, kCommandAmf3), handler));
  EXPECT_EQ(server.connect_request().app, "lt");
  ReplyReader replies;
  EXPECT_EQ(replies.read(server.take_output()).field("_result", "code"), "NetConnection.Connect.Success");
  ASSERT_TRUE(server.feed(joined({plain_command("createStream", 2), publish_command(3, "k")}), handler));
  server.accept_publish();
  // @setDataFrame, onMetaData, {width: 640, height: 360}
  const ByteVector metadata =
      hex("00 02 000d 40736574446174614672616d65 02 000a 6f6e4d65746144617461"
          " 11 0a 0b 01 0b 7769647468 04 8500 0d 686569676874 04 8268 01");
  ASSERT_TRUE(server.feed(message(kDataAmf3, 4, 0, metadata), handler));
  ASSERT_EQ(handler.metadata.size(), 1u);
  EXPECT_EQ(handler.metadata[0].width, 640);
  EXPECT_EQ(handler.metadata[0].height, 360);
}

}  // namespace
}  // namespace headgate::rtmp::test

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <rtmp/flv.h>

#include <cmath>

#include "rtmp_support.h"

namespace headgate::rtmp::test {
namespace {

std::vector<AmfValue> read(const ByteVector& data) {
  auto values = read_amf0(data);
  EXPECT_TRUE(values) << values.error().message;
  // Whatever is cut off, reading ends with an answer and stays inside its bytes (the sanitizers watch).
  for (size_t size = 0; size < data.size(); ++size) {
    ByteVector cut(data.begin(), data.begin() + static_cast<ptrdiff_t>(size));
    (void)read_amf0(cut).has_value();
  }
  return values ? *values : std::vector<AmfValue>{};
}

std::string error_of(const ByteVector& data, const Limits& limits = {}) {
  auto values = read_amf0(data, limits);
  EXPECT_FALSE(values);
  return values ? "" : values.error().message;
}

TEST(Amf0, Scalars) {
  auto values =
      read(hex("00 4008000000000000 0101 0100 02 0003 616263 05 06 0d"
               "0c 00000002 7879 0f 00000001 7a 0b 4059000000000000 0000"));
  ASSERT_EQ(values.size(), 10u);
  EXPECT_EQ(values[0].number, 3);
  EXPECT_TRUE(values[1].boolean);
  EXPECT_FALSE(values[2].boolean);
  EXPECT_EQ(values[2].type, AmfValue::kBoolean);
  EXPECT_EQ(values[3].string, "abc");
  EXPECT_EQ(values[4].type, AmfValue::kNull);
  EXPECT_EQ(values[5].type, AmfValue::kUndefined);
  EXPECT_EQ(values[6].type, AmfValue::kUndefined);
  EXPECT_EQ(values[7].string, "xy");
  EXPECT_EQ(values[8].string, "z");
  EXPECT_EQ(values[9].type, AmfValue::kDate);
  EXPECT_EQ(values[9].number, 100);
}

TEST(Amf0, ObjectsAndArraysNest) {
  auto values =
      read(hex("03 0001 61 03 0001 62 0101 000009 0001 63 0a 00000002 05 020001 64 000009"
               "10 0002 4358 0001 61 05 000009"));
  ASSERT_EQ(values.size(), 2u);
  ASSERT_NE(values[0].find("a"), nullptr);
  EXPECT_TRUE(values[0].find("a")->find("b")->boolean);
  ASSERT_EQ(values[0].find("c")->elements.size(), 2u);
  EXPECT_EQ(values[0].find("c")->elements[1].string, "d");
  EXPECT_EQ(values[0].find("nothing"), nullptr);
  EXPECT_EQ(values[1].type, AmfValue::kObject);
}

TEST(Amf0, EcmaArrays) {
  const char* pairs = "0001 61 0101 0001 62 0100";
  for (std::string_view count : {"00000002", "00000000", "00000001", "00000063", "ffffffff"}) {
    // Ended, whatever the count says, with something behind it.
    auto values = read(hex("08 " + std::string(count) + pairs + "000009 05"));
    ASSERT_EQ(values.size(), 2u) << count;
    EXPECT_EQ(values[0].properties.size(), 2u);
    // Not ended, at the end of the message.
    values = read(hex("08 " + std::string(count) + pairs));
    ASSERT_EQ(values.size(), 1u) << count;
    EXPECT_EQ(values[0].properties.size(), 2u);
  }
  // Not ended, and something behind it: the count decides.
  auto values = read(hex("08 00000002" + std::string(pairs) + "02 0003 616263"));
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].properties.size(), 2u);
  EXPECT_EQ(values[1].string, "abc");
}

TEST(Amf0, StrayEndMarkers) {
  auto values = read(hex("03 0001 61 05 000009 09 05"));
  ASSERT_EQ(values.size(), 2u);
  values = read(hex("03 0001 61 05 000009 000009"));
  ASSERT_EQ(values.size(), 1u);
  EXPECT_EQ(values[0].properties.size(), 1u);
}

TEST(Amf0, Amf3Scalars) {
  auto values =
      read(hex("11 06 07 616263 11 04 7f 11 04 81 00 11 04 ffffffff 11 05 4008000000000000"
               "11 00 11 01 11 02 11 03"));
  ASSERT_EQ(values.size(), 9u);
  EXPECT_EQ(values[0].string, "abc");
  EXPECT_EQ(values[1].number, 127);
  EXPECT_EQ(values[2].number, 128);
  EXPECT_EQ(values[3].number, -1);
  EXPECT_EQ(values[4].number, 3);
  EXPECT_EQ(values[7].boolean, false);
  EXPECT_EQ(values[8].boolean, true);
  EXPECT_NE(error_of(hex("11 06 00")), "");  // a reference to nothing
}

TEST(Amf0, CutShortOrUnknown) {
  for (const char* text : {"00 0000", "02 0005 6162", "0c ffffffff 61", "03 0001 61", "03 0001 61 05", "03",
                           "0a 00000002 05", "04", "07 0000", "12", "ff", "0b 00", "01", "11"})
    EXPECT_NE(error_of(hex(text)), "") << text;
}

TEST(Amf0Limits, Depth) {
  Limits limits;
  limits.max_amf_depth = 4;
  ByteVector nested, too_deep;
  for (int i = 0; i < 4; ++i) append(nested, hex("0a 00000001"));
  append(nested, hex("05"));
  EXPECT_TRUE(read_amf0(nested, limits));
  for (int i = 0; i < 5; ++i) append(too_deep, hex("03 0001 61"));
  append(too_deep, hex("05"));
  EXPECT_NE(error_of(too_deep, limits).find("max_amf_depth"), std::string::npos);
  ByteVector endless;
  for (int i = 0; i < 100000; ++i) append(endless, hex("0a 00000001"));
  EXPECT_NE(error_of(endless).find("max_amf_depth"), std::string::npos);
}

TEST(Amf0Limits, Values) {
  Limits limits;
  limits.max_amf_values = 10;
  EXPECT_TRUE(read_amf0(ByteVector(10, std::byte{5}), limits));
  EXPECT_NE(error_of(ByteVector(11, std::byte{5}), limits).find("max_amf_values"), std::string::npos);
  // A claimed count costs nothing by itself.
  EXPECT_NE(error_of(hex("0a ffffffff 05")), "");
}

TEST(AmfWriter, WhatItWritesIsRead) {
  ByteVector out;
  AmfWriter writer(out);
  writer.string("onStatus").number(0).null().begin_object();
  writer.key("level").string("error").key("code").number(-1.5).key("ok").boolean(true).end();
  writer.begin_ecma_array(1).key("a").string(std::string(70000, 'x')).end();
  auto values = read_amf0(out);
  ASSERT_TRUE(values);
  ASSERT_EQ(values->size(), 5u);
  EXPECT_EQ((*values)[3].text("level"), "error");
  EXPECT_EQ((*values)[3].real("code"), -1.5);
  EXPECT_EQ((*values)[3].text("code", "none"), "none");
  EXPECT_EQ((*values)[3].real("absent", 7), 7);
  EXPECT_EQ((*values)[4].text("a").size(), 70000u);
}

TEST(Metadata, NumbersStringsAndAbsence) {
  ByteVector out;
  AmfWriter(out)
      .begin_ecma_array(0)
      .key("width")
      .number(1280)
      .key("height")
      .number(720)
      .key("videoframerate")
      .number(25)
      .key("videocodecid")
      .string("avc1")
      .key("audiocodecid")
      .number(0)
      .key("encoder")
      .string("Lavf59")
      .key("audiosamplerate")
      .string("44100")  // of the wrong type: as if absent
      .end();
  auto values = read_amf0(out);
  ASSERT_TRUE(values);
  Metadata data = read_metadata(values->front());
  EXPECT_EQ(data.width, 1280);
  EXPECT_EQ(data.height, 720);
  EXPECT_EQ(data.frame_rate, 25);
  EXPECT_EQ(data.has_video, true);
  EXPECT_EQ(data.has_audio, false);
  EXPECT_EQ(data.sample_rate, std::nullopt);
  EXPECT_EQ(data.encoder, "Lavf59");
}

}  // namespace
}  // namespace headgate::rtmp::test

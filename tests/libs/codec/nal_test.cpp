// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <base/encoding.h>
#include <codec/frame_hash.h>
#include <codec/nal.h>

namespace headgate::codec {
namespace {

ByteVector hex(std::string_view text) {
  return from_hex(text).value();
}

using Found = std::vector<std::string>;

Found units(std::string_view access_unit, unsigned length_size, bool expect_ok = true) {
  const ByteVector bytes = hex(access_unit);
  NalReader reader(bytes, length_size);
  Found found;
  while (const std::optional<Bytes> nal = reader.next()) found.push_back(to_hex(*nal));
  EXPECT_EQ(reader.ok(), expect_ok) << access_unit;
  EXPECT_FALSE(reader.next()) << "the end stays the end";
  return found;
}

Track h264(unsigned length_size) {
  Track track;
  track.config = hex("0164001eff");
  track.config[4] = static_cast<std::byte>(0xfc | (length_size - 1));
  return track;
}

TEST(NalReader, EveryLengthSize) {
  EXPECT_EQ(units("000000026501"
                  "0000000106",
                  4),
            (Found{"6501", "06"}));
  EXPECT_EQ(units("00026501"
                  "000106",
                  2),
            (Found{"6501", "06"}));
  EXPECT_EQ(units("026501"
                  "0106",
                  1),
            (Found{"6501", "06"}));
  EXPECT_EQ(units("", 4), Found{});
}

TEST(NalReader, EmptyUnitsArePassedOver) {
  EXPECT_EQ(units("00000000"
                  "0000000106"
                  "00000000",
                  4),
            Found{"06"});
}

TEST(NalReader, LengthsThatRunPastTheEnd) {
  EXPECT_EQ(units("0000000106"
                  "00000003"
                  "6501",
                  4, false),
            Found{"06"});
  EXPECT_EQ(units("0000000106"
                  "0000",
                  4, false),
            Found{"06"});
  EXPECT_EQ(units("ffffffff65", 4, false), Found{});
}

TEST(NalLengthSize, FromTheRecord) {
  for (unsigned size : {1u, 2u, 4u}) EXPECT_EQ(nal_length_size(h264(size)), size);
  Track audio;
  audio.codec = Codec::aac;
  audio.config = hex("119056e500");
  EXPECT_EQ(nal_length_size(audio), 4u);
  EXPECT_EQ(nal_length_size(Track{}), 4u) << "no record";
}

TEST(IsVcl, H264) {
  for (unsigned type = 0; type < 32; ++type) {
    const std::byte header{static_cast<uint8_t>(0x60 | type)};
    EXPECT_EQ(is_vcl(Codec::h264, Bytes(&header, 1)), type >= 1 && type <= 5) << type;
  }
  EXPECT_FALSE(is_vcl(Codec::h264, {}));
}

TEST(IsVcl, H265) {
  for (unsigned type = 0; type < 64; ++type) {
    const std::array<std::byte, 2> header{static_cast<std::byte>(type << 1), std::byte{1}};
    EXPECT_EQ(is_vcl(Codec::h265, header), type < 32) << type;
  }
  EXPECT_FALSE(is_vcl(Codec::aac, hex("65")));
}

// The rule written out: u32be(length) || NAL, for VCL units, up to the stop bit.
TEST(FrameHash, IsOverTheSlices) {
  FrameHasher hasher(h264(4));
  const Digest expected =
      sha256(hex("00000003"
                 "658880"
                 "00000002"
                 "4180"));
  EXPECT_EQ(hasher.hash(hex("00000003"
                            "658880"
                            "00000002"
                            "4180")),
            expected);
  EXPECT_EQ(hasher.hash(hex("00000002"
                            "0910"
                            "00000003"
                            "67640a"
                            "00000002"
                            "68ee"
                            "00000003"
                            "060180"
                            "00000003"
                            "658880"
                            "00000001"
                            "0c"
                            "00000002"
                            "4180")),
            expected)
      << "delimiter, parameter sets, SEI and filler do not count";
  EXPECT_EQ(hasher.hash(hex("00000005"
                            "6588800000"
                            "00000003"
                            "418000")),
            expected)
      << "zero bytes behind the stop bit do not count";
  FrameHasher two(h264(2));
  EXPECT_EQ(two.hash(hex("0003"
                         "658880"
                         "0002"
                         "4180")),
            expected)
      << "nor does the prefixes' size";
  EXPECT_NE(hasher.hash(hex("00000002"
                            "4180"
                            "00000003"
                            "658880")),
            expected)
      << "the order does";
  EXPECT_NE(hasher.hash(hex("00000005"
                            "6588804180")),
            expected)
      << "and where one ends";
}

TEST(FrameHash, AMessageIsWhatIsHashed) {
  FrameHasher hasher(h264(4));
  const auto message = [&](const char* unit) { return hasher.message(hex(unit)).has_value(); };
  EXPECT_FALSE(
      message("00000004"
              "65888000"))
      << "a zero behind the stop bit";
  // Parameter sets before the slices, filler behind them.
  const ByteVector clean =
      hex("000000036764"
          "0a"
          "00000003658880"
          "000000024180"
          "000000010c");
  const auto found = hasher.message(clean);
  ASSERT_TRUE(found);
  EXPECT_EQ(to_hex(*found), "00000003658880000000024180");
  EXPECT_EQ(sha256(*found), hasher.hash(clean));
  EXPECT_FALSE(
      message("00000003658880"
              "000000010c"
              "000000024180"))
      << "something lies between";
  EXPECT_FALSE(
      message("00000003658880"
              "000000094180"))
      << "lengths do not add up";
  const auto none = hasher.message(hex("000000020910"));
  ASSERT_TRUE(none);
  EXPECT_EQ(sha256(*none), hasher.hash(hex("000000020910"))) << "no slices at all";
  EXPECT_FALSE(FrameHasher(h264(2)).message(hex("0003658880"))) << "other prefixes";
  Track audio;
  audio.codec = Codec::aac;
  audio.kind = Kind::audio;
  EXPECT_EQ(FrameHasher(audio).message(clean)->size(), clean.size());
}

TEST(FrameHash, WhatDoesNotAddUpIsHashedWhole) {
  FrameHasher hasher(h264(4));
  const ByteVector broken =
      hex("00000003"
          "658880"
          "00000009"
          "4180");
  EXPECT_EQ(hasher.hash(broken), sha256(broken));
  EXPECT_EQ(hasher.hash(hex("00000003"
                            "658880")),
            sha256(hex("00000003"
                       "658880")))
      << "nothing is left over";
}

TEST(FrameHash, AudioIsHashedAsItIs) {
  Track track;
  track.codec = Codec::aac;
  track.kind = Kind::audio;
  FrameHasher hasher(track);
  const ByteVector unit = hex("211004608c1c00");
  EXPECT_EQ(hasher.hash(unit), sha256(unit));
}

}  // namespace
}  // namespace headgate::codec

// SPDX-License-Identifier: LGPL-2.1-or-later
// What a stream says of itself against what its record has.
#include <gtest/gtest.h>

#include <base/encoding.h>
#include <codec/nal.h>
#include <codec/parameter_sets.h>
#include <codec/stream_config.h>

namespace headgate::codec {
namespace {

ByteVector hex(std::string_view text) {
  return from_hex(text).value();
}

// x264's, 320x180 and 640x360.
const ByteVector kSps = hex("6742c00cda05067e7c0440000003004000000c83c50aa8");
const ByteVector kOtherSps = hex("6742c01eda0280bfe5c044000003000400000300c83c58ba80");
const ByteVector kPps = hex("68ce0fc8"), kOtherPps = hex("68ce3c80");
// x265's.
const ByteVector kVps = hex("40010c01ffff01600000030090000003000003003c959409"),
                 kHevcSps = hex(
                     "42010101600000030090000003000003003ca00a080c1d4f965654a4c2f0168080000003008000000c84"),
                 kHevcPps = hex("4401c172b46240"), kOtherHevcPps = hex("4401c172b46241");

Track h264() {
  const Bytes sps[] = {kSps}, pps[] = {kPps};
  return track_from_h264_sets(sps, pps).value();
}

TEST(ParameterSets, OfTheRecordAreKnown) {
  ParameterSets sets(h264());
  EXPECT_FALSE(sets.commit());
  EXPECT_TRUE(sets.add(SetKind::sps, kSps));
  EXPECT_TRUE(sets.add(SetKind::pps, kPps));
  EXPECT_FALSE(sets.commit()) << "nothing new";
}

TEST(ParameterSets, OfAnH265RecordTheyAreKnownToo) {
  const Bytes vps[] = {kVps}, sps[] = {kHevcSps}, pps[] = {kHevcPps};
  ParameterSets sets(track_from_h265_sets(vps, sps, pps).value());
  sets.add(SetKind::vps, kVps);
  sets.add(SetKind::sps, kHevcSps);
  sets.add(SetKind::pps, kHevcPps);
  EXPECT_FALSE(sets.commit()) << "nothing new";
  sets.add(SetKind::pps, kOtherHevcPps);
  auto config = sets.commit();
  ASSERT_TRUE(config && *config);
  set_nal_length_size(**config, 2);
  EXPECT_EQ(nal_length_size(**config), 2u);
  EXPECT_TRUE(track_from_hvcc((*config)->config));
}

TEST(ParameterSets, OthersMakeAnotherConfiguration) {
  ParameterSets sets(h264());
  sets.add(SetKind::sps, kOtherSps);
  auto config = sets.commit();  // with the PPS that is known
  ASSERT_TRUE(config && *config);
  EXPECT_EQ((*config)->width, 640u);
  sets.add(SetKind::sps, kSps);
  sets.add(SetKind::pps, kOtherPps);
  config = sets.commit();
  ASSERT_TRUE(config && *config);
  EXPECT_EQ((*config)->width, 320u);
  EXPECT_EQ(nal_length_size(**config), 4u);
  set_nal_length_size(**config, 2);
  EXPECT_EQ(nal_length_size(**config), 2u);
  EXPECT_TRUE(track_from_avcc((*config)->config));
}

TEST(ParameterSets, WhatIsAbandonedDoesNotCount) {
  ParameterSets sets(h264());
  sets.add(SetKind::sps, kOtherSps);
  sets.abandon();
  EXPECT_FALSE(sets.commit());
}

TEST(ParameterSets, RecordsThatEndTooEarly) {
  Track track = h264();
  for (const Codec codec : {Codec::h264, Codec::h265}) {
    track.codec = codec;
    track.config = h264().config;
    for (; !track.config.empty(); track.config.pop_back()) ParameterSets(track).commit();
  }
}

}  // namespace
}  // namespace headgate::codec

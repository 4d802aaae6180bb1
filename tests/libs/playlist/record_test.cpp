// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <base/encoding.h>
#include <playlist/record.h>

#include "records.h"

namespace headgate::playlist {
namespace {

ByteVector encoded(const Record& record) {
  ByteVector bytes;
  encode(record, bytes);
  return bytes;
}

std::vector<Record> examples() {
  SegmentRecord dependent = test::segment(9, 18);
  dependent.discontinuity = true;
  dependent.independent = false;
  PartRecord bare = test::part(3, 1);
  bare.chunks.clear();
  RunRecord filled = test::run("20261121T050000Z-n01-1a2b", 17, 3);
  filled.dated_from_us = 12345;
  return {test::run("20261121T050000Z-n01-1a2b", 17, 3),
          filled,
          test::init("0123456789abcdef", "lta/42/st/11/000017/r/000000.mp4"),
          InitRecord{},
          InitRecord{"a", "f", 1, 2, "c", 3, 4, 5, 6, kTransferHlg},
          test::part(7, 0),
          bare,
          test::segment(8, -3.5),
          dependent,
          GapRecord{"stall", -1, 90000, test::kUtc, test::kUtc + 1},
          EndRecord{"publisher \"left\"\n"},
          EndRecord{}};
}

TEST(RecordEncoding, ComesBack) {
  for (const Record& record : examples()) {
    const ByteVector bytes = encoded(record);
    EXPECT_LE(bytes.size(), kMaxRecordBytes);
    const Result<Record> back = decode(bytes);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, record);
  }
}

// The form on the wire stays: other processes and other versions read it.
TEST(RecordEncoding, Form) {
  EXPECT_EQ(to_hex(encoded(RunRecord{"r1", 2, 1, 256, 4000, 550})),
            "01"
            "01"
            "0002"
            "7231"
            "0000000000000002"
            "0000000000000001"
            "0000000000000100"
            "00000fa0"
            "00000226");
  EXPECT_EQ(to_hex(encoded(RunRecord{"r1", 2, 1, 256, 4000, 550, 258})),
            "0108" + to_hex(encoded(RunRecord{"r1", 2, 1, 256, 4000, 550})).substr(4) + "0000000000000102");
  EXPECT_EQ(to_hex(encoded(EndRecord{"eos"})),
            "01"
            "06"
            "0003"
            "656f73");
  EXPECT_EQ(to_hex(encoded(InitRecord{"a", "f", 1, 2, "c", 3, 4, 5, 6, kTransferPq})),
            "0109" + to_hex(encoded(InitRecord{"a", "f", 1, 2, "c", 3, 4, 5, 6})).substr(4) + "00000010");
  EXPECT_EQ(to_hex(encoded(InitRecord{"a", "f", 1, 2, "c", 3, 4, 5, 6})),
            "01"
            "02"
            "0001"
            "61"
            "0001"
            "66"
            "0000000000000001"
            "0000000000000002"
            "0001"
            "63"
            "00000003"
            "00000004"
            "00000005"
            "00000006");
  EXPECT_EQ(to_hex(encoded(PartRecord{1, 2, "f", 3, 4, {{5, 6, 7}}, 8, 9, 10, true, true})),
            "01"
            "03"
            "0000000000000001"
            "00000002"
            "0001"
            "66"
            "0000000000000003"
            "0000000000000004"
            "01"
            "00000005"
            "0000000000000006"
            "0000000000000007"
            "0000000000000008"
            "0000000000000009"
            "000000000000000a"
            "01"
            "01");
  EXPECT_EQ(to_hex(encoded(SegmentRecord{1, "f", 2, 3, -1, 5, 6, "i", true, false})),
            "01"
            "04"
            "0000000000000001"
            "0001"
            "66"
            "0000000000000002"
            "0000000000000003"
            "ffffffffffffffff"
            "0000000000000005"
            "0000000000000006"
            "0001"
            "69"
            "01"
            "00");
  EXPECT_EQ(to_hex(encoded(GapRecord{"g", 1, 2, 3, 4})),
            "01"
            "05"
            "0001"
            "67"
            "0000000000000001"
            "0000000000000002"
            "0000000000000003"
            "0000000000000004");
}

TEST(RecordEncoding, RefusesEveryCutAndEveryAddition) {
  for (const Record& record : examples()) {
    ByteVector bytes = encoded(record);
    for (size_t length = 0; length < bytes.size(); ++length) EXPECT_FALSE(decode(Bytes(bytes).first(length)));
    bytes.push_back(std::byte{0});
    EXPECT_EQ(decode(bytes).error().message, "record with 1 bytes left over");
  }
}

TEST(RecordEncoding, RefusesWhatItDoesNotKnow) {
  const auto message = [](std::string_view hex) {
    const Result<Record> record = decode(from_hex(hex).value());
    return record ? std::string() : record.error().message;
  };
  EXPECT_EQ(message("020600"), "record of version 2");
  EXPECT_EQ(message("010a"), "record of type 10");
  EXPECT_EQ(message("0100"), "record of type 0");
  EXPECT_EQ(message(""), "record ends too early");
  EXPECT_EQ(decode(ByteVector(kMaxRecordBytes + 1)).error().message,
            "record of 16385 bytes, more than 16384");
}

TEST(RecordEncoding, RefusesNumbersThatCannotBe) {
  SegmentRecord negative = test::segment(1, 0);
  negative.duration = -1;
  SegmentRecord endless = test::segment(1, 0);
  endless.duration = kMaxDuration + 1;
  SegmentRecord huge = test::segment(1, 0);
  huge.length = kMaxBytes + 1;
  SegmentRecord far = test::segment(1, 0);
  far.pts = kMaxTime + 1;
  PartRecord chunk = test::part(1, 0);
  chunk.chunks[0].offset = kMaxNumber + 1;
  const Record wrong[] = {negative,
                          endless,
                          huge,
                          far,
                          chunk,
                          test::run("r", kMaxNumber + 1, 0),
                          test::run("r", 0, kMaxNumber + 1),
                          GapRecord{"", 0, 0, 0, -kMaxTime - 1}};
  for (const Record& record : wrong)
    EXPECT_EQ(decode(encoded(record)).error().message, "record with numbers that cannot be");
  ByteVector range = encoded(InitRecord{"a", "f", 1, 2, "c", 3, 4, 5, 6, kTransferPq});
  range.back() = std::byte{1};
  EXPECT_FALSE(decode(range));
  ByteVector flag = encoded(test::segment(1, 0));
  flag.back() = std::byte{2};
  EXPECT_FALSE(decode(flag));
}

TEST(RecordEncoding, TooLongIsCut) {
  InitRecord init = test::init(std::string(9000, 'i'), std::string(9000, 'f'));
  init.codecs.assign(9000, 'c');
  const ByteVector bytes = encoded(init);
  EXPECT_LE(bytes.size(), kMaxRecordBytes);
  EXPECT_EQ(std::get<InitRecord>(decode(bytes).value()).file, std::string(kMaxText, 'f'));
  PartRecord part = test::part(1, 0);
  part.chunks.resize(300);
  EXPECT_EQ(std::get<PartRecord>(decode(encoded(part)).value()).chunks.size(), kMaxChunksOfPart);
}

}  // namespace
}  // namespace headgate::playlist

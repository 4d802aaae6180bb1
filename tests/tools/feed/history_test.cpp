// SPDX-License-Identifier: LGPL-2.1-or-later
// What a worker remembers of a session for origins that come later.
#include <feed/history.h>
#include <gtest/gtest.h>
#include <playlist/record.h>
#include <playlist/stream_index.h>
#include <wire/messages.h>

namespace headgate::tools {
namespace {

constexpr int64_t kSegment = 2 * playlist::kTimescale;

void add(History& history, const playlist::Record& record) {
  ByteVector bytes;
  playlist::encode(record, bytes);
  history.add(bytes);
}

playlist::PartRecord part(uint64_t msn, uint32_t index) {
  playlist::PartRecord out;
  out.msn = msn;
  out.index = index;
  out.file = "lta/1/st/00/000000/run/000000.mp4";
  out.offset = 1000 + msn * 4000 + index * 1000;
  out.length = 1000;
  out.pts = static_cast<int64_t>(msn) * kSegment + index * kSegment / 4;
  out.duration = kSegment / 4;
  return out;
}

playlist::SegmentRecord segment(uint64_t msn) {
  playlist::SegmentRecord out;
  out.msn = msn;
  out.file = part(msn, 0).file;
  out.offset = part(msn, 0).offset;
  out.length = 4000;
  out.pts = static_cast<int64_t>(msn) * kSegment;
  out.duration = kSegment;
  out.init_id = "0123456789abcdef";
  return out;
}

std::vector<playlist::Record> replayed(const History& history) {
  std::vector<playlist::Record> out;
  history.replay([&](const ByteVector& batch) {
    EXPECT_LE(batch.size(), wire::kMaxRecordsBytes);
    ByteReader reader(batch);
    while (reader.remaining() > 0) {
      auto record = playlist::decode(reader.bytes(reader.u32()));
      ASSERT_TRUE(reader.ok() && record);
      out.push_back(*record);
    }
  });
  return out;
}

TEST(History, PartsLeaveWithTheirSegmentAndOldSegmentsLeave) {
  History history;
  add(history, playlist::RunRecord{"run", 0, 0, 1'000'000});
  playlist::InitRecord init;
  init.id = "0123456789abcdef";
  init.file = part(0, 0).file;
  init.length = 1000;
  init.codecs = "avc1.64001f";
  add(history, init);
  constexpr uint64_t kCount = 3 * kHistorySegments;
  for (uint64_t msn = 0; msn < kCount; ++msn) {
    for (uint32_t index = 0; index < 4; ++index) add(history, part(msn, index));
    add(history, segment(msn));
  }
  add(history, part(kCount, 0));
  auto records = replayed(history);
  ASSERT_EQ(records.size(), 2 + kHistorySegments + 1);
  EXPECT_TRUE(std::holds_alternative<playlist::RunRecord>(records[0]));
  EXPECT_TRUE(std::holds_alternative<playlist::InitRecord>(records[1]));
  EXPECT_EQ(std::get<playlist::SegmentRecord>(records[2]).msn, kCount - kHistorySegments);
  EXPECT_EQ(std::get<playlist::PartRecord>(records.back()).msn, kCount);
  // An index made of them has what was remembered.
  playlist::StreamIndex index;
  for (const auto& record : records) index.add(record);
  EXPECT_EQ(index.segments().size(), kHistorySegments);
  EXPECT_TRUE(index.find_part(kCount, 0));
}

TEST(History, ASessionOfManyGapsStaysBounded) {
  History history;
  add(history, playlist::RunRecord{"run", 0, 0, 1'000'000});
  for (int i = 0; i < 5000; ++i)
    add(history, playlist::GapRecord{"loss", i * 10, i * 10 + 5, i * 100, i * 100 + 50});
  auto records = replayed(history);
  EXPECT_EQ(records.size(), kHistoryRecords);
  EXPECT_TRUE(std::holds_alternative<playlist::RunRecord>(records[0]));
  EXPECT_EQ(std::get<playlist::GapRecord>(records.back()).from_pts, 49'990);
}

TEST(History, WhatIsNoRecordIsNotRemembered) {
  History history;
  history.add(as_bytes("nonsense"));
  EXPECT_TRUE(replayed(history).empty());
}

}  // namespace
}  // namespace headgate::tools

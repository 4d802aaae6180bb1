// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <worker/numbers.h>

#include <cerrno>
#include <string>

namespace headgate::worker {
namespace {

// The number behind "key": in a JSON text; -1: there is none.
int64_t number(const std::string& json, const std::string& key) {
  const std::string front = "\"" + key + "\":";
  const size_t at = json.find(front);
  return at == json.npos ? -1 : std::stoll(json.substr(at + front.size()));
}

playlist::PartRecord part(uint64_t length) {
  playlist::PartRecord record;
  record.length = length;
  return record;
}

store::CommitStats commits(std::initializer_list<int64_t> durations, int64_t lag_us) {
  store::CommitStats out;
  for (const int64_t us : durations) out.durations.add(us);
  out.lag_us = lag_us;
  return out;
}

TEST(WorkerNumbers, SumsGoOnWhenASessionEnds) {
  Numbers numbers;
  numbers.received(1, {1000, 25, 43, 1});
  numbers.received(2, {10, 2, 0, 0});
  numbers.received(1, {2000, 50, 86, 1});
  EXPECT_EQ(number(numbers.json(2), "received_bytes"), 2010);
  numbers.received(1, {2500, 60, 90, 2});
  numbers.received(1, {2400, 58, 89, 2});  // a look that was on its way
  numbers.closed(1);
  numbers.closed(1);
  numbers.received(3, {5, 1, 1, 0});
  const std::string json = numbers.json(2);
  EXPECT_EQ(number(json, "received_bytes"), 2515);
  EXPECT_EQ(number(json, "video_frames"), 63);
  EXPECT_EQ(number(json, "audio_frames"), 91);
  EXPECT_EQ(number(json, "repairs"), 2);
  EXPECT_EQ(number(json, "runs"), 2);
}

TEST(WorkerNumbers, LinksAreSummedUp) {
  Numbers numbers;
  numbers.link(1, {1000, 30, 40, 2});
  numbers.link(2, {500, 1, 1, 0});
  numbers.link(1, {2000, 50, 70, 3});
  numbers.link(1, {1900, 49, 69, 3});  // a look that was on its way
  numbers.closed(1);
  numbers.link(3, {1, 1, 1, 1});
  const std::string json = numbers.json(0);
  EXPECT_EQ(number(json, "received_packets"), 2501);
  EXPECT_EQ(number(json, "retransmitted_packets"), 52);
  EXPECT_EQ(number(json, "lost_packets"), 72);
  EXPECT_EQ(number(json, "dropped_packets"), 4);
}

TEST(WorkerNumbers, TroubleIsCountedOnceForEachTime) {
  Numbers numbers;
  numbers.health(1, {1, 0, 2, 0, false});
  numbers.health(1, {1, 1, 2, 3, true});
  numbers.health(1, {1, 1, 2, 3, true});
  numbers.health(1, {1, 1, 2, 3, false});
  numbers.health(1, {2, 1, 2, 3, true});
  numbers.closed(1);
  numbers.health(2, {1, 0, 0, 0, false});
  const std::string json = numbers.json(0);
  EXPECT_EQ(number(json, "stalls"), 3);
  EXPECT_EQ(number(json, "lates"), 1);
  EXPECT_EQ(number(json, "jumps"), 2);
  EXPECT_EQ(number(json, "backward"), 3);
  EXPECT_EQ(number(json, "drifts"), 2);
}

TEST(WorkerNumbers, WhatIsWrittenIsToldApart) {
  Numbers numbers;
  numbers.record(part(100), false);
  numbers.record(part(200), false);
  numbers.record(part(30), true);
  numbers.record(playlist::SegmentRecord{}, false);
  numbers.record(playlist::SegmentRecord{}, true);
  numbers.record(playlist::GapRecord{}, false);
  numbers.record(playlist::GapRecord{}, true);  // of the source's own
  numbers.lost(ENOSPC);
  numbers.lost(EIO);
  numbers.lost(EROFS);
  numbers.rung_failed();
  const std::string json = numbers.json(0);
  EXPECT_EQ(number(json, "bytes"), 300);
  EXPECT_EQ(number(json, "derived_bytes"), 30);
  EXPECT_EQ(number(json, "parts"), 2);
  EXPECT_EQ(number(json, "segments"), 1);
  EXPECT_EQ(number(json, "gaps"), 1);
  EXPECT_EQ(number(json, "lost_full"), 1);
  EXPECT_EQ(number(json, "lost_io"), 2);
  EXPECT_EQ(number(json, "rungs_failed"), 1);
}

TEST(WorkerNumbers, CommitsGoOnWhenTheVolumeIsOpenedAnew) {
  Numbers numbers;
  numbers.commits(commits({400, 700}, 900'000));
  EXPECT_EQ(number(numbers.json(1), "commit_lag_us"), 900'000);
  numbers.no_commits();
  EXPECT_EQ(number(numbers.json(0), "commit_lag_us"), 0);
  EXPECT_EQ(number(numbers.json(0), "sum_us"), 1100);
  numbers.commits(commits({400}, 10));
  numbers.commits(commits({400, 3000}, 20));
  const std::string json = numbers.json(1);
  EXPECT_NE(json.find(R"("commits":{"counts":[2,1,0,1,0,)"), json.npos) << json;
  EXPECT_EQ(number(json, "sum_us"), 4500);
  EXPECT_EQ(number(json, "commit_lag_us"), 20);
}

}  // namespace
}  // namespace headgate::worker

// SPDX-License-Identifier: LGPL-2.1-or-later
// Fill of a worker: what was written is told, whenever the stream ends.
#include <base/clock.h>
#include <loop_test.h>
#include <media_file.h>
#include <playlist/record.h>
#include <store/derived.h>
#include <store/reader.h>
#include <store/run_writer.h>
#include <synthetic_media.h>
#include <worker/fills.h>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace headgate::worker {
namespace {

constexpr uint32_t kEvent = 7, kStation = 12;
constexpr int kParts = 6;
constexpr int64_t kGraceMs = 60'000;

class FillsTest : public ::testing::Test {
 protected:
  // A run of the station, which has ended; its name.
  std::string play() {
    store::VolumeSettings volume;
    volume.root = scratch_.path();
    volume.reserve_bytes = 64 * 1024;
    volume.min_free_bytes = 1024 * 1024;
    auto disk = store::Volume::open(volume);
    EXPECT_TRUE(disk) << disk.error().message;
    store::RunInfo info;
    info.event = kEvent;
    info.station = kStation;
    auto writer = store::RunWriter::open(*disk, info, {})->take(nullptr);
    EXPECT_TRUE(writer) << writer.error().message;
    test::SyntheticMedia media({}, (*writer)->timeline_offset(), system_clock().utc_us());
    EXPECT_TRUE((*writer)->begin(media.presentation()));
    for (int i = 0; i < kParts; ++i) EXPECT_TRUE((*writer)->write(media.next()));
    (*writer)->end("disconnect");
    return (*writer)->name();
  }
  void start(const std::string& run) {
    wire::SessionOpened session;
    session.session = 5;
    session.event = kEvent;
    session.station = kStation;
    fills_.start(session, run, {true, ""}, kGraceMs);
  }
  bool run_until(const std::function<bool()>& done) { return test::run_until(loop_, done); }
  void take(const wire::StreamRecords& batch) {
    EXPECT_EQ(batch.session, 5u);
    ByteReader reader(batch.records);
    while (reader.remaining() > 0) {
      auto record = playlist::decode(reader.bytes(reader.u32()));
      ASSERT_TRUE(record && reader.ok());
      told_.push_back(*std::move(record));
    }
  }
  template <typename T>
  std::vector<T> told() const {
    std::vector<T> out;
    for (const auto& record : told_)
      if (auto* one = std::get_if<T>(&record)) out.push_back(*one);
    return out;
  }
  // The media sequence number that the station's next run begins with.
  uint64_t next_msn() {
    const std::string run = play();
    const auto read = store::read_run(scratch_.path(), kEvent, kStation, run);
    EXPECT_TRUE(read) << read.error().message;
    for (const auto& record : read->records)
      if (auto* one = std::get_if<playlist::RunRecord>(&record)) return one->first_msn;
    return 0;
  }

  test::ScratchDirectory scratch_;
  Loop loop_;
  std::vector<playlist::Record> told_;
  int rested_ = 0;
  Fills fills_{loop_, scratch_.path(), "n01", [this](const wire::StreamRecords& batch) { take(batch); },
               [this] { ++rested_; }};
};

// The thread has been asked to look, and its report cannot have come: the loop has not run since.
TEST_F(FillsTest, WhatIsBeingWrittenWhenItEndsIsTold) {
  for (const bool shutdown : {false, true}) {
    told_.clear();
    rested_ = 0;
    start(play());
    if (shutdown)
      fills_.stop_all();
    else
      fills_.stop({kEvent, kStation});
    EXPECT_TRUE(told_.empty());
    EXPECT_EQ(fills_.active(), 1u) << "its end is to be told";
    ASSERT_TRUE(run_until([&] { return rested_ > 0; }));
    EXPECT_EQ(fills_.active(), 0u);
    ASSERT_EQ(told<playlist::EndRecord>().size(), 1u);
    EXPECT_EQ(std::get<playlist::EndRecord>(told_.back()).reason, shutdown ? "shutdown" : "unpublish");
    ASSERT_FALSE(told<playlist::SegmentRecord>().empty());
    EXPECT_EQ(next_msn(), told<playlist::SegmentRecord>().back().msn + 1) << "no hole";
    EXPECT_EQ(rested_, 1);
  }
}

TEST_F(FillsTest, TheNextOneOfAStationDoesNotEndWhatIsToldOfTheLast) {
  start(play());
  const std::string next = play();
  start(next);  // the first is still being looked at
  EXPECT_EQ(fills_.active(), 2u);
  ASSERT_TRUE(run_until([&] { return told<playlist::SegmentRecord>().size() > 1; }));
  EXPECT_EQ(fills_.active(), 1u);
  EXPECT_TRUE(told<playlist::EndRecord>().empty()) << "the stream goes on";
  fills_.stop_all();
  ASSERT_TRUE(run_until([&] { return fills_.active() == 0; }));
  ASSERT_EQ(told<playlist::EndRecord>().size(), 1u);
  EXPECT_EQ(next_msn(), told<playlist::SegmentRecord>().back().msn + 1);
}

}  // namespace
}  // namespace headgate::worker

// SPDX-License-Identifier: LGPL-2.1-or-later
// The newest end of a run, and what it adds up to, against all of it.
#include <store/run_tail.h>

#include <algorithm>

#include "archive_fixture.h"

namespace headgate::store {
namespace {

constexpr int64_t kMinute = 60 * int64_t{playlist::kTimescale};

class RunTailTest : public ArchiveTest {
 protected:
  std::unique_ptr<Session> long_run(int parts) {
    RunInfo told = info();
    told.max_segment_ms = 5000;
    test::SyntheticSettings small;
    small.video_bytes = 8;
    small.audio_bytes = 4;
    auto session = open(volume(), told, small);
    write(*session, parts);
    return session;
  }
  RunTail tail(const std::string& run, int64_t at_least) {
    auto read = read_run_tail(directory_.path(), kEvent, kStation, run, at_least);
    EXPECT_TRUE(read) << read.error().message;
    return read ? *read : RunTail{};
  }
  RunSum sum(const std::string& run, uint64_t until = UINT64_MAX) {
    auto read = sum_run(directory_.path(), kEvent, kStation, run, until);
    EXPECT_TRUE(read) << read.error().message;
    return read ? *read : RunSum{};
  }
  std::string chain(const std::string& run) { return run_directory(run) + "/run.jl"; }
};

std::vector<playlist::SegmentRecord> segments_of(const Records& records) {
  std::vector<playlist::SegmentRecord> out;
  for (const Record& record : records)
    if (auto* segment = std::get_if<playlist::SegmentRecord>(&record)) out.push_back(*segment);
  return out;
}

RunSum counted(const Records& records) {
  RunSum out;
  for (const Record& record : records) {
    if (std::holds_alternative<playlist::GapRecord>(record)) ++out.gaps;
    if (auto* segment = std::get_if<playlist::SegmentRecord>(&record)) {
      ++out.segments;
      out.duration += segment->duration;
    }
  }
  return out;
}

// What the tail has is the end of what the run has, and what it leaves out is summed.
void expect_tail_of(const RunTail& tail, const RunSum& before, const Records& whole) {
  auto all = segments_of(whole), some = segments_of(tail.records);
  ASSERT_FALSE(some.empty());
  ASSERT_LT(some.size(), all.size());
  EXPECT_TRUE(std::equal(some.rbegin(), some.rend(), all.rbegin()));
  auto& run = std::get<playlist::RunRecord>(tail.records.at(0));
  EXPECT_EQ(run.run, std::get<playlist::RunRecord>(whole.at(0)).run);
  EXPECT_EQ(run.first_msn, some.front().msn);
  EXPECT_EQ(run.max_segment_ms, 5000u);
  EXPECT_EQ(std::get<playlist::RunRecord>(whole.at(0)).max_segment_ms, 5000u);
  auto& init = std::get<playlist::InitRecord>(tail.records.at(1));
  EXPECT_EQ(init.id, some.front().init_id);
  EXPECT_EQ(init.file, some.front().file);
  RunSum both = counted(whole), left = counted(tail.records);
  EXPECT_EQ(before.segments + left.segments, both.segments);
  EXPECT_EQ(before.gaps + left.gaps, both.gaps);
  EXPECT_NEAR(static_cast<double>(before.duration + left.duration), static_cast<double>(both.duration),
              90.0 * static_cast<double>(both.segments));
  EXPECT_EQ(before.first_utc_us, all.front().utc_us);
}

TEST_F(RunTailTest, AShortRunIsWhole) {
  auto session = long_run(20);
  session->writer->end("unpublish");
  volume()->commit();
  RunTail read = tail(session->writer->name(), kMinute);
  EXPECT_EQ(read.from, 0u);
  EXPECT_TRUE(read.opened && read.ended);
  EXPECT_EQ(describe(read.records), describe(this->read(session->writer->name())));
}

TEST_F(RunTailTest, ALongRunsEndIsReadAndNoMoreThanThat) {
  auto session = long_run(6000);
  std::string run = session->writer->name();
  session->writer->gap("stall", session->told.size(), session->told.size() + 1);
  write(*session, 4);
  volume()->commit();
  RunTail read = tail(run, kMinute);
  EXPECT_GT(read.from, 0u);
  EXPECT_LE(read_text(chain(run)).size() - read.from, kTailBlockBytes);
  EXPECT_GE(counted(read.records).duration, kMinute);
  EXPECT_TRUE(read.writing);
  EXPECT_FALSE(read.ended);
  expect_tail_of(read, sum(run, read.from), this->read(run));
  // Longer than a block: as many as it takes.
  RunTail longer = tail(run, 30 * kMinute);
  EXPECT_LT(longer.from, read.from);
  expect_tail_of(longer, sum(run, longer.from), this->read(run));

  session->writer->end("unpublish");
  volume()->commit();
  read = tail(run, kMinute);
  EXPECT_TRUE(read.ended);
  EXPECT_EQ(describe(read.records.back()), describe(Record(playlist::EndRecord{"unpublish"})));
  expect_tail_of(read, sum(run, read.from), this->read(run));
  EXPECT_EQ(sum(run).segments, counted(this->read(run)).segments);
  EXPECT_EQ(tail(run, INT64_MAX).from, 0u);
  EXPECT_EQ(describe(tail(run, INT64_MAX).records), describe(this->read(run)));
}

TEST_F(RunTailTest, ADamagedLineAtTheEndIsToldFromTheMedia) {
  auto session = long_run(2400);
  std::string run = session->writer->name();
  session->writer->end("unpublish");
  volume()->commit();
  std::string text = read_text(chain(run));
  size_t digit = text.rfind("\"sha\":\"", text.rfind("\"t\":\"frag\"") - 1) + 7;
  text[digit] = text[digit] == 'f' ? 'e' : 'f';
  write_text(chain(run), text);
  RunTail read = tail(run, kMinute);
  EXPECT_GT(read.from, 0u);
  expect_tail_of(read, sum(run, read.from), this->read(run));
}

TEST_F(RunTailTest, WhatIsNoChainIsAnErrorOrNothing) {
  std::string run = long_run(4)->writer->name();
  volume()->commit();
  write_text(chain(run), "");
  EXPECT_FALSE(tail(run, kMinute).opened);
  EXPECT_FALSE(sum(run).opened);
  write_text(chain(run), std::string(3 * kTailBlockBytes, 'x'));
  EXPECT_FALSE(tail(run, kMinute).opened);
  EXPECT_EQ(sum(run).segments, 0u);
  EXPECT_FALSE(read_run_tail(directory_.path(), kEvent, kStation, "20200914T060000Z-n01-0000", kMinute));
}

}  // namespace
}  // namespace headgate::store

// SPDX-License-Identifier: LGPL-2.1-or-later
// Random lives of a stream, each seen through its live playlist after every record by a checker that knows
// RFC 8216 and nothing of us.
#include <gtest/gtest.h>

#include <random>
#include <utility>

#include <playlist/hls.h>

#include "hls_checker.h"
#include "records.h"

namespace headgate::playlist {
namespace {

using test::kSecond;

// A writer as it could be: runs that come and go, gaps, rotations, codec changes, and listeners that hear
// everything again.
class RandomWriter {
 public:
  explicit RandomWriter(uint32_t seed) : random_(seed) { new_run(); }

  std::vector<Record> step() {
    std::vector<Record> records;
    switch (up_to(30)) {
      case 0:
        records.push_back(EndRecord{"disconnect"});
        break;
      case 1:
        add_gap(records);
        break;
      case 2:
        file_ = run_.run + "/" + std::to_string(++files_) + ".mp4";
        records.push_back(test::init(init_, file_));
        break;
      case 3:  // everything once more
        return history_;
      default:
        add_segment(records);
    }
    remember(records);
    if (!records.empty() && std::holds_alternative<EndRecord>(records.back())) {
      for (int empty = up_to(2); empty >= 0; --empty) new_run(records);
    }
    return records;
  }
  std::vector<Record> first() const { return history_; }

 private:
  int up_to(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n + 1)); }

  void remember(const std::vector<Record>& records) {
    history_.insert(history_.end(), records.begin(), records.end());
  }

  void new_run(std::vector<Record>& records) {
    const std::vector<Record> more = new_run();
    records.insert(records.end(), more.begin(), more.end());
  }
  std::vector<Record> new_run() {
    pts_ += up_to(20) * kSecond;
    if (segments_ > 0) ++discontinuity_;
    segments_ = 0;
    ++runs_;
    // Names sort as runs follow each other.
    run_ = test::run("r" + std::to_string(1000 + runs_), msn_, discontinuity_,
                     test::kUtc + pts_ * 100 / 9 + runs_, kPromisedMs);
    init_ = "i" + std::to_string(up_to(2));
    file_ = run_.run + "/" + std::to_string(++files_) + ".mp4";
    const std::vector<Record> records{run_, test::init(init_, file_)};
    remember(records);
    return records;
  }
  void add_gap(std::vector<Record>& records) {
    const int64_t to = pts_ + up_to(10) * kSecond;
    records.push_back(GapRecord{"stall", pts_, to, 0, 0});
    pts_ = to;
    gap_ = true;
  }
  void add_segment(std::vector<Record>& records) {
    SegmentRecord segment = test::segment(msn_, 0, 2, init_, file_);
    segment.pts = pts_;
    segment.duration = up_to(20) == 0 ? up_to(9) * kSecond + kSecond / 2 : 2 * kSecond + (up_to(4000) - 2000);
    segment.utc_us = test::kUtc + pts_ * 100 / 9 + up_to(300'000);
    segment.discontinuity = std::exchange(gap_, false) && segments_ > 0;
    if (segment.discontinuity) ++discontinuity_;
    for (uint32_t i = 0; i < 4; ++i) records.push_back(test::part(msn_, i));
    records.push_back(segment);
    pts_ += segment.duration;
    ++msn_;
    ++segments_;
  }

  static constexpr uint32_t kPromisedMs = 9500;  // kept below
  std::mt19937 random_;
  RunRecord run_;
  std::string init_, file_;
  uint64_t msn_ = 0, discontinuity_ = 0;
  int runs_ = 0, files_ = 0, segments_ = 0;
  int64_t pts_ = 0;
  bool gap_ = false;
  std::vector<Record> history_;
};

class Property : public testing::TestWithParam<uint32_t> {};

TEST_P(Property, ALivePlaylistKeepsItsPromises) {
  const uint32_t seed = GetParam();
  for (const Addressing addressing : {Addressing::uri, Addressing::byte_range}) {
    RandomWriter writer(seed);
    // The window of the index on one side, of the live playlist on the other.
    const IndexSettings settings = seed % 2 == 0 ? IndexSettings{.window_ms = 30'000, .live_ms = 0}
                                                 : IndexSettings{.window_ms = 90'000, .live_ms = 12'000};
    StreamIndex index(settings), whole;
    test::LiveChecker live;
    uint64_t version = 0;
    std::string last;
    const auto feed = [&](const std::vector<Record>& records) {
      for (const Record& record : records) {
        index.add(record);
        whole.add(record);
        if (index.version() == std::exchange(version, index.version())) continue;
        last = media_playlist(index, {.addressing = addressing});
        // In byte ranges the MAP names another file at each rotation, with the same bytes.
        for (const std::string& fault : live.check(last))
          if (addressing == Addressing::uri || !fault.starts_with("a MAP changes"))
            ADD_FAILURE() << fault << "\n" << last;
      }
      EXPECT_EQ(media_playlist(index, {.addressing = addressing}), last)
          << "a change that the version does not tell";
    };
    feed(writer.first());
    for (int i = 0; i < 150 && !HasFailure(); ++i) feed(writer.step());

    // A listener that comes late and hears everything from the beginning sees the same.
    StreamIndex late(settings);
    for (const Record& record : writer.first()) late.add(record);
    EXPECT_EQ(media_playlist(late, {.addressing = addressing}), last);

    // The replay lists each segment there ever was, once.
    const test::ParsedPlaylist replay =
        test::parse_playlist(media_playlist(whole, {.type = PlaylistType::vod}));
    EXPECT_EQ(replay.faults, std::vector<std::string>());
    EXPECT_TRUE(replay.ended);
    ASSERT_EQ(replay.segments.size(), whole.segments().size());
    for (size_t i = 0; i < replay.segments.size(); ++i) {
      EXPECT_EQ(replay.segments[i].uri, std::to_string(i) + ".m4s");
      EXPECT_EQ(replay.segments[i].discontinuity, whole.segments()[i].discontinuity_sequence);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Property, testing::Range(0u, 24u));

// The checker is no good if it finds nothing.
TEST(LiveChecker, FindsFaults) {
  const std::string head = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:";
  const std::string map = "#EXT-X-MAP:URI=\"i\"\n";
  const auto segment = [](int n, const char* duration, const char* date) {
    return std::string("#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:") + date + "Z\n#EXTINF:" + duration +
           ",\n" + std::to_string(n) + ".m4s\n";
  };
  const std::string first = head + "5\n" + map + segment(5, "2.0", "00.000") + segment(6, "2.0", "02.000");
  const auto faults_after_first = [&](const std::string& next) {
    test::LiveChecker checker;
    EXPECT_EQ(checker.check(first), std::vector<std::string>());
    return checker.check(next).size();
  };
  EXPECT_EQ(faults_after_first(first + segment(7, "2.0", "04.000")), 0u);
  EXPECT_GT(faults_after_first(first + segment(7, "2.5", "04.000")), 0u) << "too long";
  EXPECT_GT(faults_after_first(first + segment(7, "2.0", "05.000")), 0u) << "date";
  EXPECT_GT(faults_after_first(head + "4\n" + map + segment(4, "2.0", "00.000")), 0u) << "went back";
  EXPECT_GT(faults_after_first(head + "5\n" + map + segment(5, "2.0", "00.000")), 0u) << "end left";
  EXPECT_GT(
      faults_after_first(head + "5\n" + map + segment(5, "1.9", "00.000") + segment(6, "2.0", "01.900")), 0u)
      << "changed";
  EXPECT_GT(faults_after_first(head + "6\n" + map + segment(6, "2.0", "02.000")), 0u) << "left too soon";
  EXPECT_GT(faults_after_first(head + "5\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n" + map +
                               segment(5, "2.0", "00.000") + segment(6, "2.0", "02.000")),
            0u)
      << "discontinuity sequence";
  EXPECT_GT(faults_after_first(head + "5\n" + segment(5, "2.0", "00.000")), 0u) << "no map";
}

}  // namespace
}  // namespace headgate::playlist

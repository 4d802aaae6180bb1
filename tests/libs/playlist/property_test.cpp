// SPDX-License-Identifier: LGPL-2.1-or-later
// Random lives of a stream, each seen through its live playlist after every record by a checker that knows
// RFC 8216 and nothing of us.
#include <gtest/gtest.h>

#include <random>
#include <sstream>
#include <utility>

#include <playlist/hls.h>
#include <playlist/live_playlist.h>

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
                     test::kUtc + pts_ * 100 / 9 + runs_, kPromisedMs, kPromisedMs / 4);
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
    for (uint32_t i = 0; i < 4; ++i) {
      PartRecord part = test::part(msn_, i);
      part.file = file_;
      part.duration = segment.duration / 4 + (i == 3 ? segment.duration % 4 : 0);
      part.pts = pts_ + i * (segment.duration / 4);
      part.utc_us = segment.utc_us + i * 10'000;
      part.discontinuity = segment.discontinuity;
      records.push_back(part);
    }
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

// What a server that knows the delivery directives makes of the same index.
class DirectivesChecker {
 public:
  void check(const StreamIndex& index, const std::string& plain, bool segment_came) {
    MediaPlaylistSettings settings{.directives = true};
    const std::string full = media_playlist(index, settings);
    EXPECT_EQ(live_.text(index, settings), full) << "what was kept is not what it would be";
    EXPECT_TRUE(without_low_latency(full).starts_with(plain)) << full << plain;
    if (segment_came) {
      EXPECT_NE(full.find(open_), std::string::npos)
          << "changed when its segment was finished:" << open_ << full;
    }
    const size_t last_uri = full.rfind(".m4s\n#EXT-X-", full.find("#EXT-X-PRELOAD"));
    open_ =
        last_uri == std::string::npos ? "" : full.substr(last_uri, full.find("#EXT-X-PRELOAD") - last_uri);

    settings.skip = true;
    const std::string delta = media_playlist(index, settings);
    EXPECT_EQ(live_.text(index, settings), delta);
    const size_t skip = delta.find("#EXT-X-SKIP:SKIPPED-SEGMENTS=");
    if (skip == std::string::npos) {
      EXPECT_EQ(delta, full);
      return;
    }
    const std::string rest = delta.substr(delta.find('\n', skip) + 1);
    ASSERT_TRUE(full.ends_with(rest)) << full << delta;
    const std::string left_out = full.substr(0, full.size() - rest.size());
    EXPECT_EQ(std::stoul(delta.substr(delta.find('=', skip) + 1)), count(left_out, "\n#EXTINF:"));
    EXPECT_TRUE(left_out.ends_with(".m4s\n")) << "the first one that stays has all its tags";
  }

 private:
  static size_t count(const std::string& text, const std::string& what) {
    size_t found = 0;
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  }
  static std::string without_low_latency(const std::string& text) {
    std::istringstream lines(text);
    std::string out;
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with("#EXT-X-PART") && !line.starts_with("#EXT-X-SERVER-CONTROL") &&
          !line.starts_with("#EXT-X-PRELOAD-HINT"))
        out += line + "\n";
    return out;
  }

  LivePlaylist live_;
  std::string open_;  // what stood behind the last segment
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
    DirectivesChecker directives;
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
        if (addressing == Addressing::uri)
          directives.check(index, last, std::holds_alternative<SegmentRecord>(record));
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

// SPDX-License-Identifier: LGPL-2.1-or-later
// Events: one row of ids over deaths, files with bounds, lines that a crash has cut.
#include <base/clock.h>
#include <base/io.h>
#include <control/event_log.h>
#include <control/line_file.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace headgate::control {
namespace {

constexpr int64_t kDayUs = 24ll * 3600 * 1'000'000;
constexpr int64_t kStartUs = 1'789'365'600ll * 1'000'000;  // 2026-09-14T06:00:00Z

class EventLogTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/hg-events-XXXXXX";
    folder_ = ::mkdtemp(path);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string events() const { return folder_ + "/events"; }
  std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(events()))
      out.push_back(entry.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string content(const std::string& name) const {
    auto bytes = read_file(events() + "/" + name, 1 << 20);
    return bytes ? std::string(as_text(*bytes)) : "";
  }
  static wire::NodeEvent node_event(uint64_t id) {
    return {id, kStartUs, "worker.died", "warning", "worker-0 died", R"({"worker":0})"};
  }

  std::string folder_;
  ManualClock clock_{kStartUs, 1'000'000};
};

TEST_F(EventLogTest, ALineSaysEverything) {
  EventLog log(clock_, events());
  log.open();
  EXPECT_TRUE(log.take(node_event(7)));
  EXPECT_EQ(content("2026-09-14.jl"),
            R"({"id":1,"utc":"2026-09-14T06:00:00.000Z","kind":"worker.died","severity":"warning",)"
            R"("text":"worker-0 died","fields":{"worker":0},"seq":7})"
            "\n");
}

TEST_F(EventLogTest, IdsGoOnAndNothingIsTakenTwiceAfterADeath) {
  {
    EventLog log(clock_, events());
    log.open();
    EXPECT_TRUE(log.take(node_event(7)));
    EXPECT_FALSE(log.take(node_event(7)));
    EXPECT_EQ(log.add("session.opened", kInfo, "one", R"({"session":"5"})"), 2u);
    log.add("session.opened", kInfo, "two", R"({"session":"6"})");
    log.add("session.closed", kInfo, "one", R"({"session":"5"})");
  }
  EventLog log(clock_, events());
  log.open();
  EXPECT_EQ(log.last_id(), 4u);
  EXPECT_FALSE(log.take(node_event(7)));
  EXPECT_TRUE(log.take(node_event(8)));
  EXPECT_EQ(log.last_id(), 5u);
  EXPECT_EQ(log.sessions_left_open(), (EventLog::OpenSessions{{"6", std::nullopt}}));
  const auto kept = log.after(3, 10);
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].id, 4u);
  EXPECT_EQ(log.after(0, 2).size(), 2u);
  EXPECT_TRUE(log.after(5, 10).empty());
}

TEST_F(EventLogTest, ALineThatACrashHasCutIsEndedAndLeftOut) {
  {
    EventLog log(clock_, events());
    log.open();
    log.add("node.ready", kInfo, "ready", "{}");
  }
  std::ofstream(events() + "/2026-09-14.jl", std::ios::app) << R"({"id":2,"utc":"2026-)";
  EventLog log(clock_, events());
  log.open();
  EXPECT_EQ(log.last_id(), 1u);
  log.add("node.ready", kInfo, "again", "{}");
  EventLog later(clock_, events());
  later.open();
  const auto kept = later.after(0, 10);
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[1].id, 2u);
  EXPECT_NE(kept[1].line.find("again"), std::string::npos);
}

TEST_F(EventLogTest, FilesAreBoundedInDaysAndBytes) {
  FileLimits limits{3, 1000, 3000};
  EventLog log(clock_, events(), limits);
  log.open();
  for (int day = 0; day < 5; ++day, clock_.advance_us(kDayUs)) log.add("node.ready", kInfo, "x", "{}");
  EXPECT_EQ(files(), (std::vector<std::string>{"2026-09-16.jl", "2026-09-17.jl", "2026-09-18.jl"}));
  clock_.advance_us(-kDayUs);
  for (int i = 0; i < 100; ++i) log.add("node.ready", kInfo, std::string(50, 'x'), "{}");
  uint64_t bytes = 0;
  for (const std::string& name : files()) bytes += std::filesystem::file_size(events() + "/" + name);
  EXPECT_LE(bytes, 3000u + 1000u);
  // What has gone from the files is still in memory, and ids go on.
  EXPECT_EQ(log.last_id(), 105u);
  EXPECT_GT(log.first_id(), 1u);
  EXPECT_EQ(log.after(104, 10).size(), 1u);
}

// Somebody who is far behind and reads on, as a webhook or a client that pages does, reads what he gets and
// little more: not each time all that he has had.
TEST_F(EventLogTest, WhoIsFarBehindReadsNothingAgain) {
  const FileLimits limits{30, 600'000, 10'000'000};
  constexpr uint64_t kEvents = 2 * kMaxKept;
  const std::string text(40, 'x');
  {
    EventLog log(clock_, events(), limits);
    log.open();
    for (uint64_t i = 0; i < kEvents / 2; ++i) log.add("node.ready", kInfo, text, "{}");
  }
  std::ofstream(events() + "/" + files().back(), std::ios::app) << R"({"id":7,"utc":)";  // cut by a crash
  EventLog log(clock_, events(), limits);
  log.open();
  while (log.last_id() < kEvents) log.add("node.ready", kInfo, text, "{}");
  uint64_t bytes = 0;
  for (const std::string& name : files()) bytes += std::filesystem::file_size(events() + "/" + name);
  ASSERT_GT(files().size(), 2u);

  const uint64_t before = log.read_bytes();
  constexpr size_t kPage = 100;
  uint64_t last = 0;
  while (last < kEvents) {
    const auto page = log.after(last, kPage);
    ASSERT_EQ(page.size(), kPage);
    for (const auto& one : page) {
      ASSERT_EQ(one.id, ++last);
      ASSERT_EQ(id_of(one.line), one.id);
    }
  }
  // From the mark before it to the end of the piece in which its last line is, twice where a file ends.
  constexpr uint64_t kPages = (kEvents - kMaxKept) / kPage;  // the others are in memory
  EXPECT_LE(log.read_bytes() - before, bytes + kPages * (kMarkBytes + 2 * kPieceBytes));
}

TEST_F(EventLogTest, AClockThatGoesBackMakesNoEarlierFile) {
  EventLog log(clock_, events());
  log.open();
  log.add("node.ready", kInfo, "one", "{}");
  clock_.step_utc_us(-3 * kDayUs);
  log.add("node.ready", kInfo, "two", "{}");
  EXPECT_EQ(files(), std::vector<std::string>{"2026-09-14.jl"});
}

TEST_F(EventLogTest, AClockThatJumpsErasesNothing) {
  EventLog log(clock_, events(), FileLimits{3, 1000, 10'000});
  log.open();
  log.add("node.ready", kInfo, "one", "{}");
  auto fill = [&] {
    for (int i = 0; i < 20; ++i) log.add("node.ready", kInfo, "x", "{}");
  };
  clock_.step_utc_us(4000 * kDayUs);
  fill();
  ASSERT_GT(files().size(), 2u);
  EXPECT_EQ(files().front(), "2026-09-14.jl");
  clock_.step_utc_us(-3990 * kDayUs);
  fill();
  EXPECT_EQ(files().front(), "2026-09-14.jl") << "it is right again";
  // Bytes are bounded all the same.
  for (int i = 0; i < 20; ++i) fill();
  EXPECT_NE(files().front(), "2026-09-14.jl");
}

TEST_F(EventLogTest, WithoutAFolderEventsAreInMemoryAlone) {
  std::ofstream(folder_ + "/events") << "a file";
  EventLog log(clock_, events());
  log.open();
  log.add("node.ready", kInfo, "one", "{}");
  EXPECT_EQ(log.after(0, 10).size(), 1u);
}

TEST_F(EventLogTest, WhoListensIsToldUntilHeDoesNotAnyMore) {
  EventLog log(clock_, events());
  log.open();
  std::vector<uint64_t> told;
  const uint64_t listener = log.listen([&](const EventLog::Kept& kept) { told.push_back(kept.id); });
  log.add("node.ready", kInfo, "one", "{}");
  log.unlisten(listener);
  log.add("node.ready", kInfo, "two", "{}");
  EXPECT_EQ(told, std::vector<uint64_t>{1});
}

}  // namespace
}  // namespace headgate::control

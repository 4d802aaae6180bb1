// SPDX-License-Identifier: LGPL-2.1-or-later
// kill -9 of a real writer at random moments: nothing that was told is lost, nothing durable is unrecorded,
// and the next writer goes on behind it.
#include <base/encoding.h>
#include <base/unique_fd.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <random>
#include <sstream>

#include "archive_fixture.h"

namespace headgate::store {
namespace {

struct Told {
  std::map<uint32_t, Records> records;                          // by station
  std::map<std::string, std::pair<uint32_t, int64_t>> durable;  // run -> station, pts
};

class KillTest : public ArchiveTest {
 protected:
  struct Writer {
    pid_t pid = 0;
    UniqueFd output;
  };
  Writer spawn(uint32_t seed) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    UniqueFd from(ends[0]), to(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to.get(), 1);
    std::string number = std::to_string(seed);
    char* arguments[] = {const_cast<char*>(KILL_WRITER), const_cast<char*>(directory_.path().c_str()),
                         number.data(), nullptr};
    pid_t child = 0;
    EXPECT_EQ(::posix_spawn(&child, KILL_WRITER, &actions, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return {child, std::move(from)};
  }

  // Kills it after `lines` lines and `extra_us`; what it said before.
  static std::string kill_after(Writer writer, int lines, int extra_us) {
    std::string said;
    char buffer[65536];
    bool killed = false;
    for (ssize_t n; (n = ::read(writer.output.get(), buffer, sizeof buffer)) > 0;) {
      said.append(buffer, static_cast<size_t>(n));
      if (killed || std::count(said.begin(), said.end(), '\n') < lines) continue;
      ::usleep(static_cast<useconds_t>(extra_us));  // the random moment itself: nothing is waited for
      EXPECT_EQ(::kill(writer.pid, SIGKILL), 0);
      killed = true;
    }
    int status = 0;
    EXPECT_EQ(::waitpid(writer.pid, &status, 0), writer.pid);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself";
    return said;
  }

  static Told parse(const std::string& said) {
    Told told;
    std::istringstream lines(said.substr(0, said.rfind('\n') + 1));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string first, second;
      words >> first >> second;
      if (first == "durable") {
        std::string run;
        int64_t pts = 0;
        words >> run >> pts;
        told.durable[run] = {static_cast<uint32_t>(std::stoul(second)), pts};
        continue;
      }
      auto record = playlist::decode(*from_hex(second));
      EXPECT_TRUE(record);
      if (record) told.records[static_cast<uint32_t>(std::stoul(first))].push_back(*record);
    }
    return told;
  }

  Records read_from(uint32_t station, const std::string& first_run) const {
    Records all;
    for (const std::string& run : list_runs(directory_.path(), kEvent, station)) {
      if (run < first_run) continue;
      Records records = read(run, station);
      all.insert(all.end(), records.begin(), records.end());
    }
    return all;
  }
};

// What viewers are told. Gaps and ends are lines alone, recorded with the next commit.
Records media_of(const Records& records) {
  Records out;
  for (const Record& record : records)
    if (!std::holds_alternative<playlist::GapRecord>(record) &&
        !std::holds_alternative<playlist::EndRecord>(record))
      out.push_back(record);
  return out;
}

TEST_F(KillTest, AtRandomMoments) {
  constexpr int kKills = 100;
  std::mt19937 random(20260914);
  std::map<uint32_t, uint64_t> next_msn;
  size_t told_in_all = 0;
  for (int i = 0; i < kKills; ++i) {
    Writer writer = spawn(1 + random() % 1'000'000);
    int lines = 1 + static_cast<int>(random() % 300);
    Told told = parse(kill_after(std::move(writer), lines, static_cast<int>(random() % 3000)));
    // Mostly the next writer recovers what this one left; sometimes the node's start does.
    if (i % 3 == 0) {
      RecoverySummary summary = recover(directory_.path(), "n02");
      EXPECT_TRUE(summary.problems.empty()) << summary.problems[0];
      EXPECT_EQ(summary.missing_bytes, 0u);
    }
    for (auto& [station, records] : told.records) {
      told_in_all += records.size();
      auto run = std::get<playlist::RunRecord>(records.at(0));
      EXPECT_GE(run.first_msn, next_msn[station]);
      Records want = media_of(records);
      Records have = media_of(read_from(station, run.run));
      ASSERT_GE(have.size(), want.size());
      have.resize(want.size());
      EXPECT_EQ(describe(have), describe(want));
      EXPECT_EQ(have, want);
      for (const Record& record : records) {
        if (auto* part = std::get_if<playlist::PartRecord>(&record)) next_msn[station] = part->msn + 1;
      }
    }
    for (const auto& [run, durable] : told.durable) {
      if (durable.second == RunWriter::kNothingDurable) continue;
      auto frags = lines_of(run_directory(run, durable.first), "frag");
      ASSERT_FALSE(frags.empty()) << run;
      EXPECT_GE(number_in(frags.back(), "pts") + number_in(frags.back(), "dur"), durable.second) << run;
    }
    if (i % 20 == 19) {
      recover(directory_.path(), "n02");
      expect_sound();
    }
    if (HasFailure()) FAIL() << "kill " << i;
  }
  EXPECT_GT(told_in_all, 5000u);
}

TEST_F(KillTest, AStationBelongsToOneProcess) {
  Writer writer = spawn(0);
  char byte;
  ASSERT_EQ(::read(writer.output.get(), &byte, 1), 1);  // station 1 is open
  auto disk = Volume::open(settings_);
  ASSERT_TRUE(disk);
  std::string run = list_runs(directory_.path(), kEvent, 1).at(0);
  EXPECT_TRUE(read_run(directory_.path(), kEvent, 1, run)->writing);
  auto busy = RunWriter::open(*disk, info(1), {})->take(nullptr);
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, EBUSY);
  EXPECT_GE(recover(directory_.path(), "n02").live, 1);
  kill_after(std::move(writer), 1, 0);
  run = list_runs(directory_.path(), kEvent, 1).back();
  EXPECT_FALSE(read_run(directory_.path(), kEvent, 1, run)->writing);
  auto next = RunWriter::open(*disk, info(1), {})->take(nullptr);
  ASSERT_TRUE(next) << next.error().message;
  (*next)->end("unpublish");
  *next = nullptr;
  *disk = nullptr;  // commits
  EXPECT_EQ(recover(directory_.path(), "n02").live, 0);
  expect_sound();
}

}  // namespace
}  // namespace headgate::store

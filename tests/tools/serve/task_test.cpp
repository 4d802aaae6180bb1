// SPDX-License-Identifier: LGPL-2.1-or-later
// Programs that run beside the node's own: one that hangs is ended, and what waits for it goes on.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

#include "serve/description_watch.h"
#include "tasks_fixture.h"

namespace headgate::serve {
namespace {

constexpr auto kLongPatience = std::chrono::seconds(80);
constexpr int64_t kShortMs = 200;

class TaskTest : public TasksFixture {
 protected:
  std::optional<int> code_;
  std::string line_;
};

TEST_F(TaskTest, WhoGoesOnBehindTheEndOfAllTellsThem) {
  tasks_.run(shell("sleep 1000"), [this](int code) { code_ = code; });
  const auto ended = tasks_.end_all();
  loop_.run_once(100);
  EXPECT_FALSE(code_) << "they are only told by who ended them";
  ASSERT_EQ(ended.size(), 1u);
  ended.front()(kWasEnded);
  EXPECT_EQ(code_, kWasEnded);
  EXPECT_TRUE(tasks_.end_all().empty());
}

TEST_F(TaskTest, WhoTakesTooLongIsEndedWithWhatItHasStarted) {
  // It may be ended before it has begun, on a machine with other work.
  for (int64_t limit_ms = kShortMs; line_.empty() && limit_ms < 60'000; limit_ms *= 2) {
    code_.reset();
    tasks_.run(
        shell("sleep 1000 & echo $!; wait"), [this](int code) { code_ = code; },
        [this](const std::string& line) { line_ = line; }, limit_ms);
    ASSERT_TRUE(wait_for([this] { return code_.has_value(); }, kLongPatience));
    EXPECT_EQ(*code_, kTookTooLong);
  }
  const int started = std::atoi(line_.c_str());
  ASSERT_GT(started, 0);
  EXPECT_TRUE(wait_for([started] {
    // Nobody's child any more: whoever collects it may be a while.
    std::ifstream stat("/proc/" + std::to_string(started) + "/stat");
    std::string pid, name, state;
    stat >> pid >> name >> state;
    return !stat || state == "Z";
  }));
  EXPECT_EQ(Tasks::how_it_ended(kTookTooLong, kCheckMs), "took longer than 60 s and was killed");
}

TEST_F(TaskTest, WhoEndsInTimeHasItsOwnCode) {
  tasks_.run(
      shell("exit 3"), [this](int code) { code_ = code; }, {}, 60'000);
  ASSERT_TRUE(wait_for([this] { return code_.has_value(); }));
  EXPECT_EQ(*code_, 3);
  EXPECT_EQ(Tasks::how_it_ended(3, 60'000), "ended with 3");
}

class DescriptionWatchTest : public TaskTest {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_ + "/pipelines");
    std::filesystem::create_directories(folder_ + "/run");
    write("{}");
  }
  void write(const std::string& text) {
    std::ofstream(folder_ + "/pipelines/new") << text;
    std::filesystem::rename(folder_ + "/pipelines/new", folder_ + "/pipelines/station.json");
  }

  // Of a node that is started: "good" or "bad", and what workers read.
  std::string begins() {
    // --pipelines COPY: all that has not "wrong" in it is right.
    DescriptionWatch watch(
        loop_, tasks_, folder_ + "/pipelines", folder_ + "/run", folder_ + "/data",
        [this] { return shell("! grep -rq wrong \"$2\""); }, [](bool) {});
    good_.reset();
    watch.begin([this](bool good) { good_ = good; });
    EXPECT_TRUE(wait_for([this] { return good_.has_value(); }, kLongPatience));
    refused_ = watch.refused();
    EXPECT_TRUE(kept_by(watch));
    std::ifstream in(watch.descriptions().in_use() + "/station.json");
    std::string text;
    std::getline(in, text);
    return (good_.value_or(false) ? "good " : "bad ") + text;
  }
  bool kept_by(DescriptionWatch& watch) {
    return wait_for(
        [&] {
          watch.look();
          return !watch.keeping();
        },
        kLongPatience);
  }
  void reboot() {
    std::filesystem::remove_all(folder_ + "/run");
    std::filesystem::create_directories(folder_ + "/run");
  }

  std::string script_, refused_;
  std::optional<bool> good_;
};

TEST_F(DescriptionWatchTest, TheLastGoodOnesAreForANodeThatIsStartedWithWrongOnes) {
  write("wrong 0");
  EXPECT_EQ(begins(), "bad ") << "there never were good ones";
  write("1");
  EXPECT_EQ(begins(), "good 1");
  EXPECT_EQ(refused_, "");
  reboot();
  write("wrong 2");
  EXPECT_EQ(begins(), "good 1");
  EXPECT_NE(refused_, "") << "it is told what is wrong with the new ones";
  EXPECT_EQ(begins(), "good 1") << "nor are they lost by that";
  reboot();
  std::filesystem::remove_all(folder_ + "/pipelines");
  EXPECT_EQ(begins(), "good 1") << "a folder that cannot be read is wrong as well";
  std::filesystem::create_directories(folder_ + "/pipelines/fragments");
  write("3");
  std::ofstream(folder_ + "/pipelines/fragments/a.json") << "fragment";
  EXPECT_EQ(begins(), "good 3");
  reboot();
  write("wrong 4");
  EXPECT_EQ(begins(), "good 3");
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/run/pipelines/fragments/a.json"));
  // A version that does not take them any more, whatever is in the folder.
  std::ofstream(folder_ + "/data/last-good/pipelines/station.json") << "wrong";
  reboot();
  EXPECT_EQ(begins(), "bad ");
  size_t copies = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/data/last-good"))
    copies += entry.is_directory() && !entry.is_symlink() ? 1 : 0;
  EXPECT_EQ(copies, 1u) << "one, and the link to it";
}

TEST_F(DescriptionWatchTest, CheckThatHangsIsRefusedAndTheNextOneIsMade) {
  DescriptionWatch watch(
      loop_, tasks_, folder_ + "/pipelines", folder_ + "/run", folder_ + "/data",
      [this] { return shell(script_); }, [this](bool good) { good_ = good; }, kShortMs);
  script_ = "exec sleep 1000";
  watch.look();
  ASSERT_TRUE(wait_for([this] { return good_.has_value(); })) << "nothing is looked at any more";
  EXPECT_FALSE(*good_);
  EXPECT_NE(watch.refused().find("took longer"), std::string::npos) << watch.refused();
  script_ = "exit 0";
  std::string text = "{";
  // On a machine with other work even that may take too long.
  EXPECT_TRUE(wait_for([&] {
    write((text += ' ') + "}");
    watch.look();
    return *good_;
  })) << watch.refused();
  EXPECT_TRUE(watch.descriptions().any());
  EXPECT_TRUE(kept_by(watch));
}

TEST_F(DescriptionWatchTest, PipeInTheFolderIsRefusedAndNotWaitedFor) {
  DescriptionWatch watch(
      loop_, tasks_, folder_ + "/pipelines", folder_ + "/run", folder_ + "/data",
      [] { return shell("exit 0"); }, [this](bool good) { good_ = good; });
  for (const char* name : {"/pipelines/pipe.json", "/pipelines/fragments/pipe.json"}) {
    const std::string pipe = folder_ + name;
    std::filesystem::create_directories(folder_ + "/pipelines/fragments");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    good_.reset();
    watch.look();
    ASSERT_TRUE(good_.has_value());
    EXPECT_FALSE(*good_);
    EXPECT_EQ(watch.refused(), pipe + ": is no regular file");
    ASSERT_EQ(::unlink(pipe.c_str()), 0);
  }
}

}  // namespace
}  // namespace headgate::serve

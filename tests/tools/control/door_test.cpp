// SPDX-License-Identifier: LGPL-2.1-or-later
// Tokens: whose they are, what a file may say, and how often one may guess.
#include <base/encoding.h>
#include <control/door.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace headgate::control {
namespace {

class DoorTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/hg-door-XXXXXX";
    folder_ = ::mkdtemp(path);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  Result<void> load(const std::string& text) {
    std::ofstream(folder_ + "/tokens") << text;
    return door_.load(folder_ + "/tokens");
  }
  static std::string digest(const std::string& token) { return to_hex(sha256(as_bytes(token))); }
  int refused(const std::string& authorization, const std::string& address = "192.0.2.1") {
    auto entered = door_.enter(authorization, address);
    return entered ? 0 : entered.error().code;
  }

  std::string folder_;
  ManualClock clock_{0, 1'000'000};
  Door door_{clock_};
};

TEST_F(DoorTest, ATokenIsItsNameAndRole) {
  ASSERT_TRUE(
      load("# who\nwatcher read " + digest("a") + "\n\nchief operate " + digest("b") + " # may act\n"));
  auto one = door_.enter("Bearer a", "192.0.2.1"), two = door_.enter("Bearer b", "192.0.2.1");
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->name, "watcher");
  EXPECT_EQ(one->from, "192.0.2.1");
  EXPECT_FALSE(one->operates);
  EXPECT_TRUE(two->operates);
  for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer c", "bearer a", "Basic a", "Bearer a "})
    EXPECT_EQ(refused(wrong), 401) << wrong;
  EXPECT_EQ(refused("Bearer " + digest("a")), 401) << "a digest is no token";
  EXPECT_EQ(refused("Bearer " + std::string(kMaxTokenBytes + 1, 'x')), 401);
}

TEST_F(DoorTest, AWrongFileIsRefusedWithItsLineAndChangesNothing) {
  ASSERT_TRUE(load("watcher read " + digest("a") + "\n"));
  for (const std::string& wrong :
       {std::string("x read"), "x write " + digest("b"), "x read " + digest("b") + " more",
        std::string("x read abc"), "x read " + digest("b") + "00",
        std::string(kMaxNameBytes + 1, 'n') + " read " + digest("b")}) {
    auto loaded = load("\n" + wrong + "\n");
    ASSERT_FALSE(loaded) << wrong;
    EXPECT_NE(loaded.error().message.find("tokens:2: "), std::string::npos) << loaded.error().message;
  }
  std::string many;
  for (size_t i = 0; i <= kMaxTokens; ++i) many += "x read " + digest(std::to_string(i)) + "\n";
  EXPECT_FALSE(load(many));
  EXPECT_FALSE(door_.load(folder_ + "/none"));
  EXPECT_TRUE(door_.enter("Bearer a", "192.0.2.1"));
}

TEST_F(DoorTest, WhoGuessesIsStoppedForAMinute) {
  ASSERT_TRUE(load("watcher read " + digest("a") + "\n"));
  for (int64_t i = 0; i < kMaxFailuresPerMinute; ++i) EXPECT_EQ(refused("Bearer x"), 401);
  EXPECT_EQ(refused("Bearer x"), 429);
  EXPECT_EQ(refused(""), 429);
  EXPECT_EQ(refused("Bearer x", "192.0.2.2"), 401) << "another address";
  clock_.advance_us(60'000'000);
  EXPECT_EQ(refused("Bearer x"), 401);
}

// Behind a proxy all have one address.
TEST_F(DoorTest, NoStrangerKeepsOutWhoHasAToken) {
  ASSERT_TRUE(load("watcher read " + digest("a") + "\n"));
  for (int64_t i = 0; i < 2 * kMaxRequestsPerSecond; ++i) refused(i % 2 == 0 ? "Bearer x" : "");
  EXPECT_EQ(refused("Bearer x"), 429);
  EXPECT_EQ(refused("Bearer a"), 0);
}

TEST_F(DoorTest, SoManyRequestsASecondAndToken) {
  ASSERT_TRUE(load("watcher read " + digest("a") + "\nchief operate " + digest("b") + "\n"));
  for (int64_t i = 0; i < kMaxRequestsPerSecond; ++i) EXPECT_EQ(refused("Bearer a"), 0);
  EXPECT_EQ(refused("Bearer a"), 429);
  EXPECT_EQ(refused("Bearer b"), 0) << "another token";
  clock_.advance_us(1'000'000);
  EXPECT_EQ(refused("Bearer a"), 0);
}

TEST_F(DoorTest, SoManyRequestsASecondOfAllStrangers) {
  ASSERT_TRUE(load("watcher read " + digest("a") + "\n"));
  auto address = [](int64_t i) { return "192.0.2." + std::to_string(i); };
  for (int64_t i = 0; i < kMaxRequestsPerSecond; ++i) EXPECT_EQ(refused("Bearer x", address(i)), 401);
  EXPECT_EQ(refused("", address(200)), 429);
  clock_.advance_us(1'000'000);
  EXPECT_EQ(refused("", address(200)), 401);
}

}  // namespace
}  // namespace headgate::control

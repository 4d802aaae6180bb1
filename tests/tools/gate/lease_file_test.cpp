// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gate/lease_file.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace headgate::gate {
namespace {

constexpr int64_t kNow = 1'700'000'000;

ticket::Holding holding(uint8_t mark, uint64_t epoch, uint64_t counter = 0, uint32_t expires = kNow + 3600) {
  ticket::Holding out;
  out.tid[0] = static_cast<std::byte>(mark);
  out.holder.address = "2001:db8::7";
  out.epoch = epoch;
  out.expires = expires;
  if (counter != 0) {
    out.holder.device.emplace();
    out.holder.device->key[31] = static_cast<std::byte>(mark);
    out.holder.device->counter = counter;
  }
  return out;
}

class LeaseFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "hg-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/leases";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::vector<ticket::Holding> loaded(int64_t now = kNow) {
    auto all = LeaseFile(path_).load(now);
    EXPECT_TRUE(all) << all.error().message;
    return all ? *all : std::vector<ticket::Holding>();
  }

  std::string folder_, path_;
};

TEST_F(LeaseFileTest, TheNextOneReadsWhatWasKept) {
  EXPECT_TRUE(loaded().empty());
  {
    LeaseFile file(path_);
    file.keep(holding(1, 1, 7), kNow);
    file.keep(holding(2, 1), kNow);
    file.keep(holding(1, 2, 8), kNow);
  }
  const auto all = loaded();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].epoch, 2u);
  EXPECT_EQ(all[0].holder.address, "2001:db8::7");
  EXPECT_EQ(all[0].expires, kNow + 3600);
  ASSERT_TRUE(all[0].holder.device);
  EXPECT_EQ(*all[0].holder.device, *holding(1, 2, 8).holder.device);
  EXPECT_FALSE(all[1].holder.device);
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(LeaseFileTest, WhatIsOverOrWasNotFinishedIsPassedOver) {
  {
    LeaseFile file(path_);
    file.keep(holding(1, 1), kNow);
    file.keep(holding(2, 1, 0, kNow - 7200), kNow);
  }
  std::ofstream(path_, std::ios::app) << "2 something of a later version\n\n1 zz 5 5 a - 0\n1 03";
  EXPECT_EQ(loaded().size(), 1u);
  EXPECT_TRUE(loaded(kNow + 7200).empty());
  { LeaseFile(path_).keep(holding(4, 1), kNow); }
  EXPECT_EQ(loaded().size(), 2u) << "what follows half a line is lost";
}

TEST_F(LeaseFileTest, DoesNotGrowWithThoseWhoComeBack) {
  constexpr uint64_t kSmall = 4096;
  {
    LeaseFile one(path_, kSmall), other(path_, kSmall);  // while a node is upgraded
    for (uint64_t epoch = 1; epoch <= 2000; ++epoch) {
      one.keep(holding(1, epoch, epoch), kNow);
      other.keep(holding(2, epoch, epoch), kNow);
      if (epoch % 50 == 0) ::usleep(1000);  // not all at once
    }
  }
  { LeaseFile(path_, kSmall).keep(holding(3, 1), kNow); }
  EXPECT_LT(std::filesystem::file_size(path_), 2 * kSmall);
  const auto all = loaded();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].epoch, 2000u);
  EXPECT_EQ(all[1].epoch, 2000u);
}

TEST_F(LeaseFileTest, NobodyWaitsForAFileThatCannotBeWritten) {
  LeaseFile file(folder_ + "/nowhere/leases");
  for (int i = 0; i < 10; ++i) file.keep(holding(1, 1), kNow);
  EXPECT_TRUE(LeaseFile(folder_ + "/nowhere/leases").load(kNow)->empty());
}

}  // namespace
}  // namespace headgate::gate

// SPDX-License-Identifier: LGPL-2.1-or-later
// The last good descriptions on a disk that hangs, or fails.
#include "serve/descriptions.h"

#include <base/guarded.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <optional>

#include "loop_test.h"
#include "serve/description_keeper.h"

namespace headgate::serve {
namespace {

namespace fs = std::filesystem;

DescriptionTexts texts_of(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return {{"/station.json", ByteVector(bytes.begin(), bytes.end())}};
}

class DescriptionKeeperTest : public test::LoopTest {
 protected:
  // What a call writes "fails" when it is that.
  DescriptionKeeper::Keep keep() {
    return [calls = calls_, disk = disk_](const DescriptionTexts& texts, bool anyway) -> Result<void> {
      const std::string text(as_text(texts.at("/station.json")));
      calls->lock()->push_back(text + (anyway ? " anyway" : ""));
      disk.wait();
      return text.starts_with("fails") ? Result<void>(Unexpected("of " + text)) : Result<void>();
    };
  }
  // "": it ended well; else what was told.
  std::string ends(DescriptionKeeper& keeper) {
    std::string told;
    EXPECT_TRUE(wait_for([&] {
      if (const auto kept = keeper.look(); !kept) told += kept.error().message;
      return !keeper.keeping();
    }));
    return told;
  }
  std::vector<std::string> calls() { return *calls_->lock(); }

  using Calls = Guarded<std::vector<std::string>>;
  const std::shared_ptr<Calls> calls_ = std::make_shared<Calls>();
  std::promise<void> goes_on_;
  const std::shared_future<void> disk_{goes_on_.get_future()};
};

TEST_F(DescriptionKeeperTest, NobodyWaitsForADiskThatHangsAndTheLastAreKept) {
  DescriptionKeeper keeper(keep());
  for (const char* text : {"fails 1", "2", "3"}) keeper.keep(texts_of(text));
  ASSERT_TRUE(wait_for([&] { return !calls().empty(); }));
  EXPECT_TRUE(keeper.look());
  EXPECT_TRUE(keeper.keeping());
  goes_on_.set_value();
  EXPECT_EQ(ends(keeper), "") << "of those that others have followed nobody needs to know";
  EXPECT_EQ(calls(), (std::vector<std::string>{"fails 1", "3 anyway"}));
}

TEST_F(DescriptionKeeperTest, WhatFailsIsToldOnceAndWrittenAnewTheNextTime) {
  goes_on_.set_value();
  DescriptionKeeper keeper(keep());
  keeper.keep(texts_of("fails"));
  EXPECT_EQ(ends(keeper), "of fails");
  EXPECT_TRUE(keeper.look());
  for (int i = 0; i < 2; ++i) {
    keeper.keep(texts_of("1"));
    EXPECT_EQ(ends(keeper), "");
  }
  EXPECT_EQ(calls(), (std::vector<std::string>{"fails", "1 anyway", "1"}));
}

TEST_F(DescriptionKeeperTest, WhoEndsDoesNotWaitEither) {
  std::optional<DescriptionKeeper> keeper(keep());
  keeper->keep(texts_of("1"));
  ASSERT_TRUE(wait_for([&] { return !calls().empty(); }));
  keeper.reset();
  goes_on_.set_value();
}

class KeptDescriptionsTest : public testing::Test {
 protected:
  std::string copy() const { return fs::read_symlink(link_).string(); }
  bool holds(std::string_view text) const {
    const auto kept = description_texts(link_);
    return kept && *kept == texts_of(text);
  }
  size_t entries() const {
    const fs::directory_iterator all(fs::path(link_).parent_path()), end;
    return static_cast<size_t>(std::distance(all, end));
  }
  const test::ScratchDirectory scratch_;
  const std::string& data_ = scratch_.path();
  const std::string link_ = kept_descriptions(data_);
};

TEST_F(KeptDescriptionsTest, AreWrittenWhenTheyAreOthers) {
  ASSERT_TRUE(Descriptions::keep(texts_of("1"), data_, false));
  const std::string first = copy();
  ASSERT_TRUE(Descriptions::keep(texts_of("1"), data_, false));
  EXPECT_EQ(copy(), first) << "the disk is left alone";
  ASSERT_TRUE(Descriptions::keep(texts_of("1"), data_, true));
  EXPECT_NE(copy(), first);
  EXPECT_TRUE(holds("1"));
  DescriptionTexts more = texts_of("1");
  more["/fragments/a.json"] = {};
  ASSERT_TRUE(Descriptions::keep(more, data_, false));
  EXPECT_TRUE(fs::exists(link_ + "/fragments/a.json"));
  ASSERT_TRUE(Descriptions::keep(texts_of("2"), data_, false));
  EXPECT_TRUE(holds("2"));
  EXPECT_EQ(entries(), 2u) << "a copy, and the link to it";
}

TEST_F(KeptDescriptionsTest, CopyThatCannotBeUsedGoes) {
  fs::create_directories(link_);  // where the link is to be
  EXPECT_FALSE(Descriptions::keep(texts_of("1"), data_, false));
  fs::remove(link_ + ".new");
  EXPECT_EQ(entries(), 1u);
}

// In a folder that can be written in and not opened, which takes somebody who is not root.
TEST_F(KeptDescriptionsTest, CopyThatMayNotHaveReachedTheDiskStays) {
  constexpr uid_t kNobody = 65'534;
  constexpr int kNoSuchUser = 77, kKept = 3;
  const std::string folder = fs::path(link_).parent_path().string();
  fs::create_directories(folder);
  ASSERT_EQ(::chmod(folder.c_str(), 0300), 0);
  for (const std::string& path : {data_, folder})
    ASSERT_TRUE(::geteuid() != 0 || ::chown(path.c_str(), kNobody, kNobody) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) ::_exit(kNoSuchUser);
    const auto kept = Descriptions::keep(texts_of("1"), data_, false);
    ::_exit((!kept ? 1 : 0) + (holds("1") ? 2 : 0));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(::chmod(folder.c_str(), 0700), 0);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNoSuchUser) GTEST_SKIP() << "this machine has no other user";
  EXPECT_EQ(WEXITSTATUS(status), kKept) << "1: it is told; 2: it is there";
}

}  // namespace
}  // namespace headgate::serve

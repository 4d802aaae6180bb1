// SPDX-License-Identifier: LGPL-2.1-or-later
// A folder of keys that is looked at again and again.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <ticket/key_folder.h>
#include <ticket/keys.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace headgate::ticket {
namespace {

namespace fs = std::filesystem;

class KeyFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "key-folder-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    add(1);
  }
  void TearDown() override { fs::remove_all(folder_); }
  void add(uint8_t kid) {
    const auto made = create_keys(folder_, {.event = 77, .kid = kid, .fleet = kid, .region = "main"});
    ASSERT_TRUE(made) << made.error().message;
  }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  // Which there are: "1,2"; "same", or "wrong".
  static std::string kids(Result<std::optional<NodeKeys>> keys) {
    if (!keys) return "wrong";
    return *keys ? kids_of(**keys) : "same";
  }

  std::string folder_;
};

TEST_F(KeyFolderTest, TellsOfKeysThatComeAndGo) {
  KeyFolder keys(folder_);
  EXPECT_EQ(kids(keys.read()), "1");
  EXPECT_EQ(kids(keys.read()), "same");
  EXPECT_EQ(kids(keys.read(true)), "1");
  add(2);
  EXPECT_EQ(kids(keys.read()), "1,2");
  fs::remove(path("issuer-1.pub"));
  EXPECT_EQ(kids(keys.read()), "2");
  EXPECT_EQ(kids(keys.read()), "same");
}

TEST_F(KeyFolderTest, WhatIsWrongIsToldOnceAndWhenItIsMended) {
  KeyFolder keys(folder_);
  EXPECT_EQ(kids(keys.read()), "1");
  // As a copy that has just begun.
  std::ofstream(path("issuer-2.pub")) << "00";
  EXPECT_EQ(kids(keys.read()), "wrong");
  EXPECT_EQ(kids(keys.read()), "same");
  EXPECT_EQ(kids(keys.read(true)), "wrong");
  // The folder itself is as it was.
  fs::copy_file(path("issuer-1.pub"), path("issuer-2.pub"), fs::copy_options::overwrite_existing);
  EXPECT_EQ(kids(keys.read()), "wrong") << "its master key is not there";
  fs::copy_file(path("master-main-1.key"), path("master-main-2.key"));
  EXPECT_EQ(kids(keys.read()), "1,2");
}

TEST_F(KeyFolderTest, WhatIsNoKeyOfANodesIsNotLookedAt) {
  KeyFolder keys(folder_);
  EXPECT_EQ(kids(keys.read()), "1");
  std::ofstream(path("notes.txt")) << "x";
  fs::remove(path("issuer-1.key"));
  EXPECT_EQ(kids(keys.read()), "same");
}

TEST_F(KeyFolderTest, OneThatIsNotThereIsWrong) {
  KeyFolder keys(path("none"));
  EXPECT_EQ(kids(keys.read()), "wrong");
  EXPECT_EQ(kids(keys.read()), "same");
}

TEST_F(KeyFolderTest, ADigestTellsKeysApart) {
  const auto one = load_node_keys(folder_);
  ASSERT_TRUE(one);
  NodeKeys other = *one;
  EXPECT_EQ(digest_of(other), digest_of(*one));
  other.masters[1][0] ^= std::byte{1};
  EXPECT_NE(digest_of(other), digest_of(*one));
  other = *one;
  other.issuers[2] = other.issuers[1];
  EXPECT_NE(digest_of(other), digest_of(*one));
  EXPECT_EQ(digest_of(other).size(), 16u);
}

}  // namespace
}  // namespace headgate::ticket

// SPDX-License-Identifier: LGPL-2.1-or-later
// What a gate leaves to the one that is started after it while the folder of keys is wrong.
#include <gate/key_files.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <ticket/keys.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "scratch_directory.h"

namespace headgate::gate {
namespace {

ticket::NodeKeys keys_of(uint32_t event, size_t count) {
  ticket::NodeKeys out;
  out.event = event;
  for (size_t kid = 0; kid < count; ++kid) {
    out.issuers[static_cast<uint8_t>(kid)].fill(static_cast<std::byte>(kid));
    out.masters[static_cast<uint8_t>(kid)].fill(static_cast<std::byte>(kid + 1));
  }
  return out;
}

class KeptKeysTest : public testing::Test {
 protected:
  KeptKeys memory() { return KeptKeys(UniqueFd(::dup(memory_.get()))); }

  const UniqueFd memory_{::memfd_create("keys", MFD_CLOEXEC)};
  const test::ScratchDirectory scratch_;
};

TEST_F(KeptKeysTest, WhatWasKeptLastIsThereForTheNext) {
  EXPECT_FALSE(memory().load()) << "nobody has kept any yet";
  for (const size_t count : {size_t{256}, size_t{2}, size_t{0}}) {
    const auto keys = keys_of(77, count);
    ASSERT_TRUE(memory().keep(keys));
    const auto back = memory().load();
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, keys) << count;
  }
}

TEST_F(KeptKeysTest, WhatIsNotWholeIsNotUsed) {
  ASSERT_TRUE(memory().keep(keys_of(77, 3)));
  const off_t size = ::lseek(memory_.get(), 0, SEEK_END);
  for (off_t at = 0; at < size; ++at) {
    char byte = 0;
    ASSERT_EQ(::pread(memory_.get(), &byte, 1, at), 1);
    const char wrong = static_cast<char>(byte ^ 1);
    ASSERT_EQ(::pwrite(memory_.get(), &wrong, 1, at), 1);
    EXPECT_FALSE(memory().load()) << at;
    ASSERT_EQ(::pwrite(memory_.get(), &byte, 1, at), 1);
  }
  ASSERT_TRUE(memory().load());
  for (off_t length = size - 1; length >= 0; --length) {
    ASSERT_EQ(::ftruncate(memory_.get(), length), 0);
    EXPECT_FALSE(memory().load()) << length;
  }
}

TEST_F(KeptKeysTest, WithoutAMemoryNoneAreKept) {
  EXPECT_TRUE(KeptKeys().keep(keys_of(77, 1)));
  EXPECT_FALSE(KeptKeys().load());
}

TEST_F(KeptKeysTest, AGateKeepsWhatItTakesAndNothingWrong) {
  const std::string folder = scratch_.path() + "/keys";
  ASSERT_TRUE(ticket::create_keys(folder, {.event = 77, .kid = 1, .fleet = 1}));
  const auto first = ticket::load_node_keys(folder);
  ASSERT_TRUE(first);
  ticket::Verifier verifier(*first);
  KeyFiles files(verifier, folder, memory());
  files.reload(true);
  EXPECT_EQ(*memory().load(), *first);
  ASSERT_TRUE(ticket::create_keys(folder, {.event = 77, .kid = 2, .fleet = 2}));
  files.reload(false);
  EXPECT_EQ(memory().load()->issuers.size(), 2u);
  // One that was withdrawn is not kept either.
  std::filesystem::remove(folder + "/issuer-1.pub");
  files.reload(false);
  EXPECT_EQ(memory().load()->issuers.count(1), 0u);
  std::filesystem::remove(folder + "/event.json");
  files.reload(false);
  EXPECT_NE(files.problem(), "");
  const auto kept = memory().load();
  ASSERT_TRUE(kept);
  EXPECT_EQ(ticket::kids_of(*kept), "2");
  // The next gate says which it has, and what is wrong.
  ticket::Verifier next(*kept);
  KeyFiles others(next, folder, memory());
  others.begin_with(*kept);
  others.reload(true);
  EXPECT_EQ(others.kids(), "2");
  EXPECT_EQ(others.digest(), files.digest());
  EXPECT_NE(others.problem(), "");
}

}  // namespace
}  // namespace headgate::gate

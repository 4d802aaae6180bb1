// SPDX-License-Identifier: LGPL-2.1-or-later
// Options that are on no command line.
#include <base/io.h>
#include <common/options.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace headgate::tools {
namespace {

using Words = std::vector<std::string>;

class OptionsTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/hg-options-XXXXXX";
    folder_ = ::mkdtemp(path);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<Words> parse(Words words) {
    words.insert(words.begin(), "program");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    set_.clear();
    name_.clear();
    Options options("", "");
    options.list("set", set_, "NAME=VALUE", "").text("name", name_, "NAME", "").arguments_from();
    return options.parse(static_cast<int>(argv.size()), argv.data());
  }
  Result<Words> parse_file(const std::string& text) {
    std::ofstream(folder_ + "/more") << text;
    return parse({"--set=a=1", kArgumentsFrom, folder_ + "/more", "rest"});
  }
  // As who is started with them.
  Result<Words> parse_input(const Words& options) {
    auto input = input_with(lines_of(options));
    if (!input) return Unexpected(input.error());
    const UniqueFd before(::dup(STDIN_FILENO));
    ::dup2(input->get(), STDIN_FILENO);
    auto out = parse({kArgumentsFrom, kStandardInput});
    ::dup2(before.get(), STDIN_FILENO);
    return out;
  }

  std::string folder_, name_;
  Words set_;
};

TEST_F(OptionsTest, AFileHasOneInEachLine) {
  const auto rest = parse_file("--set=b=2 3=4\n\n--name=x");
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(*rest, Words{"rest"});
  EXPECT_EQ(set_, (Words{"a=1", "b=2 3=4"}));
  EXPECT_EQ(name_, "x");
}

TEST_F(OptionsTest, StandardInputHasWhateverAValueMayBe) {
  const auto rest = parse_input({"--set=url=rtmps://x/y?z", "--set=text=two\nlines", "--set=empty="});
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(set_, (Words{"url=rtmps://x/y?z", "text=two\nlines", "empty="}));
  ASSERT_TRUE(parse_input({}));
  EXPECT_EQ(set_, Words{});
}

TEST_F(OptionsTest, WhatIsWrongInItNamesTheFile) {
  for (const char* text : {"--other=x", "word", "--arguments-from=/dev/null", "--set"}) {
    const auto rest = parse_file(text);
    ASSERT_FALSE(rest) << text;
    EXPECT_NE(rest.error().message.find(folder_ + "/more"), std::string::npos) << rest.error().message;
  }
  EXPECT_FALSE(parse_file(std::string(kMaxArgumentsFrom + 1, '\n')));
  EXPECT_FALSE(parse({kArgumentsFrom, folder_ + "/none"}));
}

}  // namespace
}  // namespace headgate::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <headgate/operate/json_words.h>

namespace headgate::cli {
namespace {

std::string words(const char* json) {
  return scalar_text(*Json::parse(json));
}

TEST(JsonWords, AreWhatAPersonReads) {
  EXPECT_EQ(words("null"), "");
  EXPECT_EQ(words("\"a \\\"b\\\"\""), "a \"b\"");
  EXPECT_EQ(words("true"), "true");
  EXPECT_EQ(words("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(words("27.800000000000001"), "27.8");
  EXPECT_EQ(words("1e+06"), "1000000");
  EXPECT_EQ(words("[1, {\"a\": 2}]"), "[1,{\"a\":2}]");
}

TEST(JsonWords, TheJournalsBytesAreText) {
  const auto text = [](const char* json) { return journal_text(*Json::parse(json)); };
  EXPECT_EQ(text("\"x\""), "x");
  EXPECT_EQ(text("[104, 105, 255]"), "hi\xff");
  EXPECT_EQ(text("[\"first\", \"second\"]"), "first");
  EXPECT_EQ(text("[104, null]"), "");
  EXPECT_EQ(text("null"), "");
}

}  // namespace
}  // namespace headgate::cli

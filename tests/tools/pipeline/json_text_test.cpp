// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <pipeline/json_text.h>

namespace headgate::pipeline {
namespace {

std::string error_of(const std::string& text) {
  auto parsed = parse_json(text);
  return parsed ? "" : parsed.error().message;
}

TEST(JsonText, ValuesHaveTheirPlaces) {
  auto parsed = parse_json(
      "{\n  \"a\": [1, -2.5e3, \"x\\n\\u00e9\\ud83d\\ude00\"],\n\t\"b\": {\"c\": true, \"d\": null}\n}\n");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->keys, (std::vector<std::string>{"a", "b"}));
  const JsonNode& a = *parsed->find("a");
  EXPECT_EQ(a.line, 2);
  EXPECT_EQ(a.column, 8);
  EXPECT_EQ(a.items[1].text, "-2.5e3");
  EXPECT_EQ(a.items[2].text, "x\n\xc3\xa9\xf0\x9f\x98\x80");
  const JsonNode& c = *parsed->find("b")->find("c");
  EXPECT_TRUE(c.is(JsonNode::Kind::boolean) && c.truth);
  EXPECT_EQ(c.line, 3);
  EXPECT_EQ(parsed->find("e"), nullptr);
}

TEST(JsonText, FaultsAreToldByPlace) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "1:1: the file ends where a value is expected"},
      {"{\n\"a\": oops}", "2:6: is not a JSON value"},
      {"{} x", "1:4: something stands behind the end of the JSON"},
      {"[1,\n\n]", "3:1: is not a JSON value"},
      {"[1 2]", "1:4: expected , or ] behind a value"},
      {"{\"a\" 1}", "1:6: expected : behind a key"},
      {"{a: 1}", "1:2: expected a key in quotes"},
      {"{\"a\": 1, \"a\": 2}", "1:13: \"a\" stands twice in one object"},
      {"\"a", "1:3: a string without its end"},
      {"\"a\nb\"", "1:3: a control character in a string"},
      {"\"\\x\"", "1:4: \\x means nothing in JSON"},
      {"\"\\u12g4\"", "1:4: \\u wants four hexadecimal digits"},
      {"\"\\ud800\"", "1:8: half of a surrogate pair"},
      {"\"\\udc00\"", "1:8: half of a surrogate pair"},
      {"\"\xff\"", "1:4: is not UTF-8, or has a \\u0000"},
      {"\"\\u0000\"", "1:9: is not UTF-8, or has a \\u0000"},
      {"01", "1:2: something stands behind the end of the JSON"},
      {"1.", "1:3: is not a JSON value"},
      {"1e", "1:3: is not a JSON value"},
      {"-", "1:2: is not a JSON value"},
      {"tru", "1:1: is not a JSON value"},
  };
  for (const auto& [text, error] : kCases) EXPECT_EQ(error_of(text), error) << text;
}

TEST(JsonText, DepthHasALimit) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_EQ(error_of(nested(kMaxJsonDepth)), "");
  EXPECT_EQ(error_of(nested(kMaxJsonDepth + 1)), "1:17: is nested more than 16 deep");
  EXPECT_NE(error_of(nested(100'000)), "");
}

}  // namespace
}  // namespace headgate::pipeline

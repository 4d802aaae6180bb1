// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/json.h>
#include <gtest/gtest.h>

#include <cmath>

namespace headgate {
namespace {

using Kind = Json::Kind;

std::string error_of(const std::string& text, const JsonLimits& limits = {}) {
  auto parsed = Json::parse(text, limits);
  return parsed ? "" : parsed.error().message;
}

TEST(Json, ValuesHaveTheirPlaces) {
  auto parsed = Json::parse(
      "{\n  \"a\": [1, -2.5e3, \"x\\n\\u00e9\\ud83d\\ude00\"],\n\t\"b\": {\"c\": true, \"d\": null}\n}\n");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->keys(), (std::vector<std::string>{"a", "b"}));
  const Json& a = *parsed->find("a");
  EXPECT_EQ(a.place().line, 2);
  EXPECT_EQ(a.place().column, 8);
  EXPECT_EQ(a.items()[1].token(), "-2.5e3");
  EXPECT_EQ(a.items()[2].token(), "x\n\xc3\xa9\xf0\x9f\x98\x80");
  const Json& c = parsed->at("b").at("c");
  EXPECT_TRUE(c.is(Kind::boolean));
  EXPECT_EQ(c.as_truth(), true);
  EXPECT_EQ(c.place().line, 3);
  EXPECT_EQ(parsed->find("e"), nullptr);
}

TEST(Json, FaultsAreToldByPlace) {
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

TEST(Json, DepthAndLengthHaveLimits) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_EQ(error_of(nested(kMaxJsonDepth)), "");
  EXPECT_EQ(error_of(nested(kMaxJsonDepth + 1)), "1:33: is nested more than 32 deep");
  EXPECT_NE(error_of(nested(100'000)), "");
  EXPECT_EQ(error_of("[[]]", {.depth = 2}), "");
  EXPECT_EQ(error_of("[[[]]]", {.depth = 2}), "1:3: is nested more than 2 deep");
  EXPECT_EQ(error_of("[[]]", {.bytes = 4}), "");
  EXPECT_EQ(error_of("[[]] ", {.bytes = 4}), "1:1: is longer than 4 bytes");
}

TEST(Json, WhatIsMissingOrOfAnotherTypeIsNotThere) {
  const Json json = Json::object_of(R"({"text": "x", "number": 5, "real": 2.5, "flag": false, "none": null,
                                        "list": [1, {"a": 1}, "b", {"a": 2}], "one": {"a": 3}})");
  EXPECT_EQ(json.text("text"), "x");
  EXPECT_EQ(json.text("number"), "");
  EXPECT_EQ(json.text("number", "-"), "-");
  EXPECT_EQ(json.at("number").as_text(), std::nullopt);
  EXPECT_EQ(json.integer("number"), 5);
  EXPECT_EQ(json.integer("real"), 0);
  EXPECT_EQ(json.integer("text", 7), 7);
  EXPECT_EQ(json.at("real").as_integer(), std::nullopt);
  EXPECT_EQ(json.number("number"), 5.0);
  EXPECT_EQ(json.number("real"), 2.5);
  EXPECT_TRUE(std::isnan(json.number("text")));
  EXPECT_EQ(json.at("text").as_number(), std::nullopt);
  EXPECT_EQ(json.at("flag").as_truth(), false);
  EXPECT_TRUE(json.truth("flag", true) == false && json.truth("none", true));
  EXPECT_EQ(json.at("none").as_truth(), std::nullopt);
  EXPECT_TRUE(json.has("none"));
  EXPECT_FALSE(json.has("nobody"));
  EXPECT_FALSE(json.at("nobody").at("at").has("all"));
  EXPECT_EQ(json.at("text").text("x"), "");
  std::string seen;
  for (const char* key : {"list", "one", "text", "nobody"})
    json.each(key, [&](const Json& one) { seen += one.at("a").token() + " "; });
  EXPECT_EQ(seen, "1 2 3 ");
  EXPECT_TRUE(Json::object_of("[1]").is(Kind::null));
  EXPECT_TRUE(Json::object_of("{").is(Kind::null));
}

TEST(Json, NumbersAreWhatTheyAreWrittenAs) {
  const auto number = [](const char* text) { return *Json::parse(text); };
  EXPECT_EQ(number("-9223372036854775808").as_integer(), INT64_MIN);
  EXPECT_EQ(number("9223372036854775808").as_integer(), std::nullopt);
  EXPECT_EQ(number("9223372036854775808").as_number(), 9223372036854775808.0);
  EXPECT_EQ(number("5.0").as_integer(), std::nullopt);
  EXPECT_EQ(number("5e0").as_integer(), std::nullopt);
  EXPECT_EQ(number("5e0").as_number(), 5.0);
  EXPECT_EQ(number("1e999").as_number(), std::nullopt);
}

TEST(Json, IsWrittenAsItWasRead) {
  const std::string text =
      "{\"a\":[1,2.50,1e3,true,false,null,{}],\"\xc3\xa9\":\"\\\"\\\\/\\n\\t\\u0001\\u007f\"}";
  EXPECT_EQ(Json::parse(text)->json(), text);
  EXPECT_EQ(Json::parse(" { \"a\" : [ ] }\n")->json(), "{\"a\":[]}");
}

TEST(Json, AMemberIsSetInItsPlace) {
  Json json = Json::object_of(R"({"a":1,"b":2})");
  json.set("a", Json::array_of({*Json::parse("true")}));
  json.set("c", *Json::parse("3"));
  EXPECT_EQ(json.json(), R"({"a":[true],"b":2,"c":3})");
}

TEST(Json, ManyKeysAreComparedInTime) {
  std::string text = "{";
  for (int i = 0; i < 20'000; ++i) text += "\"" + std::to_string(i) + "\":0,";
  EXPECT_EQ(error_of(text + "\"x\":0}"), "");
  EXPECT_EQ(error_of(text + "\"19999\":0}"),
            "1:" + std::to_string(text.size() + 8) + ": \"19999\" stands twice in one object");
}

}  // namespace
}  // namespace headgate

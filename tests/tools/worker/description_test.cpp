// SPDX-License-Identifier: LGPL-2.1-or-later
// Pipeline descriptions: what is filled in, and how a wrong one is refused.
#include <gtest/gtest.h>
#include <worker/description.h>

namespace headgate::worker {
namespace {

std::string error_of(const std::string& json) {
  auto description = Description::parse(json, "d.json");
  return description ? "" : description.error().message;
}

Description good(const std::string& json) {
  auto description = Description::parse(json, "d.json");
  EXPECT_TRUE(description) << description.error().message;
  return description ? *description : Description();
}

TEST(Description, FillsInValuesAndDefaults) {
  Description description = good(R"({"name": "one", "about": "text",
    "parameters": {"root": {"type": "string"}, "n": {"type": "integer", "default": 5, "min": 1, "max": 9},
      "x": {"type": "number", "default": 0.5}, "on": {"type": "boolean", "default": true}},
    "elements": ["a root={root} n={n}000 x={x}", "on={on}"], "restart": {"errors-per-minute": 3}, "grace-seconds": 45})");
  EXPECT_EQ(description.name(), "one");
  EXPECT_EQ(description.errors_per_minute(), 3);
  EXPECT_EQ(description.grace_ms(), 45'000);
  auto line = description.launch_line({{"root", "/a \"b\" \\c"}, {"n", "7"}});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(*line, "a root=\"/a \\\"b\\\" \\\\c\" n=7000 x=0.5\non=true\n");
}

TEST(Description, RefusesWrongValues) {
  Description description = good(R"({"name": "one", "parameters": {"root": {"type": "string"},
    "n": {"type": "integer", "default": 5, "min": 1, "max": 9}}, "elements": "a={root} b={n}"})");
  auto error = [&](const Values& values) {
    auto line = description.launch_line(values);
    return line ? "" : line.error().message;
  };
  EXPECT_EQ(error({}), "d.json: parameters.root: has no default and was not given");
  EXPECT_EQ(error({{"root", "r"}, {"n", "10"}}), "d.json: parameters.n: 10 is above \"max\"");
  EXPECT_EQ(error({{"root", "r"}, {"n", "0"}}), "d.json: parameters.n: 0 is below \"min\"");
  EXPECT_EQ(error({{"root", "r"}, {"n", "5 ! x"}}), "d.json: parameters.n: '5 ! x' is not an integer");
  EXPECT_EQ(error({{"root", "a\nb"}}), "d.json: parameters.root: has a control character");
  EXPECT_EQ(error({{"root", "r"}, {"m", "1"}}), "d.json: there is no parameter \"m\"");
  EXPECT_EQ(error({{"root", "r"}}), "");
}

TEST(Description, WrongFilesAreRefusedWithLineOrKey) {
  EXPECT_EQ(error_of("{\n\"name\": oops }").rfind("d.json: line 2, column ", 0), 0u)
      << error_of("{\n\"name\": oops }");
  const std::pair<const char*, const char*> kCases[] = {
      {"[]", "is not a JSON object"},
      {R"({"elements": "a"})", "name: is missing"},
      {R"({"name": "a"})", "elements: is missing"},
      {R"({"name": "a", "elements": "a", "grace-seconds": -1})",
       "grace-seconds: is not a number from 0 to 86400"},
      {R"({"name": "a", "elements": "a", "grace-seconds": "x"})",
       "grace-seconds: is not a number from 0 to 86400"},
      {R"({"name": "A b", "elements": "a"})", "name: is not [a-z0-9-]{1,64}"},
      {R"({"name": 5, "elements": "a"})", "name: is not a string"},
      {R"({"name": "a", "elements": 5})", "elements: is not a string or an array of strings"},
      {R"({"name": "a", "elements": ["a", 5]})", "elements[1]: is not a string"},
      {R"({"name": "a", "elements": "a {b"})", "elements: a { without }"},
      {R"({"name": "a", "elements": "a {b}"})", "elements: {b} is not a parameter"},
      {R"({"name": "a", "elements": "a", "color": 1})", "color: is not a key of a pipeline description"},
      {R"({"name": "a", "elements": "a", "parameters": {"b": {"type": "string"}}})",
       "parameters.b: is not used in \"elements\""},
      {R"({"name": "a", "elements": "{b}", "parameters": {"b": {}}})",
       "parameters.b.type: is missing or not a string"},
      {R"({"name": "a", "elements": "{b}", "parameters": {"b": {"type": "text"}}})",
       "parameters.b.type: is not string, integer, number or boolean"},
      {R"({"name": "a", "elements": "{b}", "parameters": {"b": {"type": "integer", "default": "5"}}})",
       "parameters.b.default: is not of the parameter's type"},
      {R"({"name": "a", "elements": "{b}", "parameters": {"b": {"type": "integer", "default": 1.5}}})",
       "parameters.b.default: '1.5' is not an integer"},
      {R"({"name": "a", "elements": "{b}", "parameters": {"b": {"type": "integer", "default": 5, "max": 4}}})",
       "parameters.b.default: 5 is above \"max\""},
      {R"({"name": "a", "elements": "{b}", "parameters": {"b": {"type": "string", "min": 4}}})",
       "parameters.b.min: is for numbers and a number"},
      {R"({"name": "a", "elements": "{b}", "parameters": {"b": {"type": "string", "size": 4}}})",
       "parameters.b.size: is not a key of a parameter"},
      {R"({"name": "a", "elements": "a", "restart": {"errors-per-minute": 0}})",
       "restart.errors-per-minute: is not a number from 1 to 1000"},
      {R"({"name": "a", "elements": "a", "restart": {"always": true}})",
       "restart.always: is not a key of \"restart\""},
  };
  for (auto& [json, reason] : kCases) EXPECT_EQ(error_of(json), std::string("d.json: ") + reason) << json;
}

TEST(Description, AMissingFileIsNamed) {
  auto description = Description::load("/nowhere/x.json");
  ASSERT_FALSE(description);
  EXPECT_NE(description.error().message.find("/nowhere/x.json"), std::string::npos);
}

}  // namespace
}  // namespace headgate::worker

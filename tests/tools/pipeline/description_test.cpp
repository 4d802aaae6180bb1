// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <pipeline/description.h>

namespace headgate::pipeline {
namespace {

// Two fragments: one that is right, and one whose parameter is wrong.
Result<FragmentText> fragment(const std::string& name) {
  if (name == "good")
    return FragmentText{
        R"({"name": "good", "parameters": {"n": {"type": "integer", "default": 1, "max": 9}}, "elements": ["x n=${n}"]})",
        "good.json"};
  if (name == "bad") return FragmentText{"{\"name\": \"bad\",\n \"elements\": \"x n=${n}\"}", "bad.json"};
  return Unexpected("is not there");
}

Result<Description> parse(const std::string& json) {
  return Description::parse(json, "d.json", fragment);
}

Description good(const std::string& json) {
  auto description = parse(json);
  EXPECT_TRUE(description) << description.error().message;
  return description ? *description : Description();
}

std::string error_of(const std::string& json) {
  auto description = parse(json);
  return description ? "" : description.error().message;
}

std::string line_of(const Description& description, const Values& values) {
  auto line = description.launch_line(values);
  return line ? *line : line.error().message;
}

TEST(Description, FillsParametersIn) {
  auto description = good(R"({
    "name": "d", "about": "x", "parameters": {
      "root": {"type": "string"},
      "ms": {"type": "duration", "unit": "ms", "default": 500, "min": 1, "max": "1s"},
      "wait": {"type": "duration", "default": "1.5s"},
      "rate": {"type": "bitrate", "default": "2.5Mbit/s"},
      "gain": {"type": "number", "default": 1.5},
      "count": {"type": "integer", "default": 1e1, "unit": "pictures"},
      "on": {"type": "boolean", "default": true},
      "how": {"type": "enum", "values": ["slow", "fast"], "default": "slow"},
      "out": {"type": "enum", "values": {"file": "filesink location=${root}", "none": "fakesink"}, "default": "none"}},
    "elements": ["a root=${root} uri=x://${root}/y text=\"to ${root}\" d=${ms} m=${ms:ms} w=${wait}",
      "g=${gain} n=${count} on=${on} b=${rate} k=${rate:kbit/s} how=${how} ! ${out}"],
    "restart": {"errors-per-minute": 3}, "grace-seconds": 45, "resources": {"streams-per-worker": 2, "memory": 100},
    "health": {"stall": "2s", "late": "0s", "bit-rate": "300kbit/s", "frame-rate": 12, "content": "4s",
      "content-budget": 20, "silent-level": -60.5, "frozen-mean": 2.5e-3, "black-brightness": 0}})");
  EXPECT_EQ(description.name(), "d");
  EXPECT_EQ(description.trigger(), Trigger::ticket);
  EXPECT_EQ(description.errors_per_minute(), 3);
  EXPECT_EQ(description.grace_ms(), 45'000);
  EXPECT_EQ(description.streams_per_worker(), 2);
  EXPECT_EQ(description.resources().memory_mib, 100);
  EXPECT_FALSE(description.resources().cpu);
  EXPECT_EQ(description.health().value("stall"), 2'000'000'000);
  EXPECT_EQ(description.health().value("late"), 0);
  EXPECT_EQ(description.health().value("jump"), std::nullopt);
  EXPECT_EQ(description.health().value("bit-rate"), 300'000);
  EXPECT_EQ(description.health().value("frame-rate"), 12);
  EXPECT_EQ(description.health().value("content"), 4'000'000'000);
  EXPECT_EQ(description.health().value("content-budget"), 20);
  EXPECT_EQ(description.health().value("silent-level"), -60.5);
  EXPECT_EQ(description.health().value("frozen-mean"), 0.0025);
  EXPECT_EQ(description.health().value("black-brightness"), 0);
  EXPECT_EQ(description.health().value("black-contrast"), std::nullopt);
  EXPECT_EQ(description.health().value("mood"), std::nullopt);
  // A string goes in with quotes, or with \ before what would end it.
  EXPECT_EQ(line_of(description, {{"root", "/a \"b\"\\c"}}),
            "a root=\"/a \\\"b\\\"\\\\c\" uri=x:///a\\ \\\"b\\\"\\\\c/y text=\"to /a \\\"b\\\"\\\\c\" "
            "d=500000000 m=500 "
            "w=1500000000\ng=1.5 n=10 on=true b=2500000 k=2500 how=slow ! fakesink\n");
  EXPECT_EQ(line_of(description, {{"root", "r"}, {"ms", "0.25s"}, {"out", "file"}, {"rate", "64kbit/s"}}),
            "a root=\"r\" uri=x://r/y text=\"to r\" d=250000000 m=250 w=1500000000\n"
            "g=1.5 n=10 on=true b=64000 k=64 how=slow ! filesink location=\"r\"\n");
}

TEST(Description, ListensWhereItsParametersSay) {
  auto description =
      good(R"({"name": "d", "trigger": "listen", "listen": {"tcp": "${host}:${port}", "most": 2},
    "parameters": {"host": {"type": "string", "default": "127.0.0.1"}, "port": {"type": "integer"}},
    "elements": "fdsrc fd=${connection} ! fakesink", "restart": {"alarm-after": 4, "silence": "0s"}})");
  EXPECT_EQ(description.trigger(), Trigger::listen);
  EXPECT_EQ(description.listen().most, 2);
  EXPECT_EQ(description.restart().alarm_after, 4);
  EXPECT_EQ(description.restart().silence_ms, 0);
  EXPECT_EQ(*description.listen_address({{"port", "9700"}}), "127.0.0.1:9700");
  EXPECT_EQ(*description.listen_address({{"host", "[::1]"}, {"port", "1"}}), "[::1]:1");
  EXPECT_FALSE(description.listen_address({{"port", "many"}}));
  EXPECT_EQ(line_of(description, {{"port", "1"}, {"connection", "3"}}), "fdsrc fd=3 ! fakesink\n");
  EXPECT_NE(error_of(R"({"name": "d", "trigger": "listen", "listen": {"tcp": ":1"},
    "elements": "fdsrc fd=${connection:ms} ! fakesink"})")
                .find("/elements"),
            std::string::npos);
}

TEST(Description, HasTimes) {
  auto description =
      good(R"({"name": "d", "trigger": "schedule", "elements": "a ! b", "restart": {"pause": "2s"},
    "schedule": [{"from": "09:00", "until": "12:00", "zone": "UTC"}, {"from": "11:00", "until": "14:00", "zone": "UTC"}]})");
  EXPECT_EQ(description.trigger(), Trigger::schedule);
  EXPECT_EQ(description.restart().pause_ms, 2000);
  const int64_t day_us = int64_t{86'400} * 1'000'000, hour_us = day_us / 24;
  EXPECT_EQ(description.schedule().at_or_after(100 * day_us),
            (Window{100 * day_us + 9 * hour_us, 100 * day_us + 14 * hour_us}));
}

TEST(Description, EveryParameterThatWasNotGivenIsToldAtOnce) {
  auto description = good(R"({"name": "d", "elements": "a ${one} ${two} ${given} ${set}", "parameters": {
    "one": {"type": "string"}, "given": {"type": "string", "default": "x"}, "set": {"type": "integer"},
    "two": {"type": "integer"}}})");
  EXPECT_EQ(line_of(description, {{"set", "1"}}),
            "d.json: /parameters: one, two: no default, and not given: --set one=VALUE --set two=VALUE");
}

TEST(Description, ValuesAreHeldToTheParameters) {
  auto description = good(R"({"name": "d", "elements": "a ${n} ${root} ${e} ${d:ms}", "parameters": {
    "n": {"type": "integer", "default": 5, "min": 1, "max": 9}, "root": {"type": "string"},
    "e": {"type": "enum", "values": ["a", "b"], "default": "a"},
    "d": {"type": "duration", "unit": "s", "default": 1, "max": "10s"}}})");
  const std::string front = "d.json: /parameters/";
  EXPECT_EQ(line_of(description, {}),
            "d.json: /parameters: root: no default, and not given: --set root=VALUE");
  EXPECT_EQ(line_of(description, {{"root", "r"}, {"n", "10"}}), front + "n: 10 is above \"max\" (9)");
  EXPECT_EQ(line_of(description, {{"root", "r"}, {"n", "0"}}), front + "n: 0 is below \"min\" (1)");
  EXPECT_EQ(line_of(description, {{"root", "r"}, {"n", "5 ! x"}}), front + "n: '5 ! x' is not an integer");
  EXPECT_EQ(line_of(description, {{"root", "r"}, {"e", "c"}}), front + "e: 'c' is none of a, b");
  EXPECT_EQ(line_of(description, {{"root", "r"}, {"d", "11"}}), front + "d: 11 s is above \"max\" (10s)");
  EXPECT_EQ(line_of(description, {{"root", "r"}, {"d", "5 s"}}),
            front + "d: '5 s' wants one of these units: ns, us, ms, s, min, h");
  EXPECT_EQ(line_of(description, {{"root", "r"}, {"d", "1.0000000001s"}}),
            front + "d: '1.0000000001s' has one to nine digits behind its point");
  EXPECT_EQ(line_of(description, {{"root", "r"}, {"d", "9999999999h"}}),
            front + "d: '9999999999h' is too large");
  EXPECT_EQ(line_of(description, {{"root", "r"}, {"d", "1500us"}}),
            "d.json:1:27: /elements: ${d}: 1500us is no whole number of ms");
  EXPECT_EQ(line_of(description, {{"root", "a\nb"}}), front + "root: has a control character");
  EXPECT_EQ(line_of(description, {{"root", std::string(kMaxValueBytes + 1, 'x')}}),
            front + "root: has more than 4096 bytes");
  EXPECT_EQ(line_of(description, {{"root", "r"}, {"m", "1"}}), "d.json: there is no parameter \"m\"");
  auto kept = description.lines({}, Description::Missing::kept);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->front().text, "a 5 ${root} a 1000");
}

TEST(Description, FragmentsAreUsedByName) {
  auto description = good(R"({"name": "d", "elements": ["a", {"use": "good", "set": {"n": 3}}, "m=${n}"]})");
  EXPECT_EQ(line_of(description, {}), "a\nx n=3\nm=3\n");
  EXPECT_EQ(line_of(description, {{"n", "10"}}), "d.json: /parameters/n: 10 is above \"max\" (9)");
  EXPECT_EQ(description.fragments(), std::vector<std::string>{"good"});
  EXPECT_EQ(error_of(R"({"name": "d", "elements": [{"use": "bad"}]})"),
            "bad.json:2:14: /elements: ${n} is not a parameter");
}

TEST(Description, TriggersHaveTheirKeys) {
  auto description = good(R"({"name": "d", "elements": "a", "trigger": "always", "restart": {"pause": "100ms",
    "max-pause": "5s", "steady": "1min", "alarm-after": 2, "give-up-after": 7, "silence": "4s", "again": true}})");
  EXPECT_EQ(description.trigger(), Trigger::always);
  EXPECT_EQ(description.restart().pause_ms, 100);
  EXPECT_EQ(description.restart().max_pause_ms, 5000);
  EXPECT_EQ(description.restart().steady_ms, 60'000);
  EXPECT_EQ(description.restart().alarm_after, 2);
  EXPECT_EQ(description.restart().give_up_after, 7);
  EXPECT_EQ(description.restart().silence_ms, 4000);
  EXPECT_TRUE(description.restart().again);
  const RestartPolicy otherwise = good(R"({"name": "d", "elements": "a", "trigger": "always"})").restart();
  EXPECT_EQ(otherwise.silence_ms, 30'000);
  EXPECT_FALSE(otherwise.again);
  // A pause above the default of the longest is that, too.
  const std::string slow =
      R"({"name": "d", "elements": "a", "trigger": "always", "restart": {"pause": "1min")";
  EXPECT_EQ(good(slow + "}}").restart().max_pause_ms, 60'000);
  EXPECT_EQ(error_of(slow + R"(, "max-pause": "30s"}})"),
            "d.json:1:64: /restart/max-pause: is shorter than \"pause\"");
}

TEST(Description, EveryFaultIsTold) {
  EXPECT_EQ(error_of("{\"name\": \"D\",\n \"colour\": 1,\n \"elements\": 5, \"parameters\": {\"a\": {}}}"),
            "d.json:2:12: /colour: is not a key of a pipeline description; there are $schema, name, about, "
            "parameters, "
            "elements, trigger, schedule, listen, restart, resources, health, grace-seconds");
  EXPECT_EQ(error_of("{\"name\": \"D\",\n \"elements\": 5,\n \"parameters\": {\"a\": {}}}"),
            "d.json:1:10: /name: is not [a-z0-9-]{1,64}\n"
            "d.json:3:22: /parameters/a/type: is missing\n"
            "d.json:2:14: /elements: is not a string or an array of lines and fragments");
}

TEST(Description, FaultsHaveALimit) {
  std::string json = R"({"name": "d", "elements": "a", "parameters": {)";
  for (int i = 0; i < 40; ++i) json += (i ? ", \"p" : "\"p") + std::to_string(i) + "\": 5";
  const std::string error = error_of(json + "}}");
  EXPECT_EQ(std::count(error.begin(), error.end(), '\n') + 1, static_cast<long>(kMaxFaults));
}

TEST(Description, CountsHaveLimits) {
  std::string lines = "\"a\"", parameters = "\"p\": {\"type\": \"integer\", \"default\": 1}", uses = "${p}";
  for (size_t i = 1; i < kMaxLines; ++i) lines += ", \"a\"";
  EXPECT_EQ(error_of(R"({"name": "d", "elements": [)" + lines + "]}"), "");
  EXPECT_NE(error_of(R"({"name": "d", "elements": [)" + lines + ", \"a\"]}"), "");
  EXPECT_NE(error_of(R"({"name": "d", "elements": [)" + lines + R"(, {"use": "good"}]})"), "");
  for (size_t i = 1; i < kMaxParameters; ++i) {
    parameters += ", \"p" + std::to_string(i) + "\": {\"type\": \"integer\", \"default\": 1}";
    uses += " ${p" + std::to_string(i) + "}";
  }
  const auto with = [&](const std::string& more, const std::string& use) {
    return error_of(R"({"name": "d", "elements": ["a )" + uses + "\"" + use + R"(], "parameters": {)" +
                    parameters + more + "}}");
  };
  EXPECT_EQ(with("", ""), "");
  EXPECT_NE(with(R"(, "q": {"type": "integer", "default": 1})", ", \"${q}\""), "");
  EXPECT_EQ(with("", R"(, {"use": "good"})"), "d.json:1:1: /parameters: are more than 64 with fragments'");
}

TEST(Description, DepthHasALimit) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(error_of(nested(17)), "d.json:1:17: is nested more than 16 deep");
  EXPECT_EQ(error_of(nested(16)), "d.json:1:1: /: is not an object: { … }");
}

TEST(Description, AMissingFileIsNamed) {
  auto description = Description::load("/nowhere/x.json");
  ASSERT_FALSE(description);
  EXPECT_NE(description.error().message.find("/nowhere/x.json"), std::string::npos);
}

}  // namespace
}  // namespace headgate::pipeline

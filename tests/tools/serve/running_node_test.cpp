// SPDX-License-Identifier: LGPL-2.1-or-later
// What settings a node can take over while it runs.
#include "serve/running_node.h"

#include <common/listeners.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace headgate::serve {
namespace {

Config config() {
  Config out;
  out.data = "/data";
  out.runtime_dir = "/data/run";
  out.node = "n01";
  out.event = 7;
  out.keys = "/keys";
  out.rtmp = "127.0.0.1:1935";
  out.http = "*:8080";
  return out;
}

RunningNode node() {
  return {"/data", "/data/run", "n01", 7, {{"rtmp", "127.0.0.1:1935"}, {"http", "0.0.0.0:8080"}}, 610'000};
}

TEST(RunningNode, IsToldInTheEnvironmentOnce) {
  const std::string variable = variable_of(node());
  const size_t equals = variable.find('=');
  ASSERT_EQ(::setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1), 0);
  const auto told = take_running_node();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->data, "/data");
  EXPECT_EQ(told->runtime_dir, "/data/run");
  EXPECT_EQ(told->node, "n01");
  EXPECT_EQ(told->event, 7u);
  EXPECT_EQ(told->listens, node().listens);
  EXPECT_EQ(told->trial_ms, 610'000);
  EXPECT_FALSE(take_running_node()) << "what the trial starts is told, too";
}

TEST(RunningNode, OfAnEarlierVersionWaitsForAMinute) {
  ASSERT_EQ(::setenv("HEADGATE_RUNS", "data=/data\nevent=7", 1), 0);
  const auto told = take_running_node();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->trial_ms, 60'000);
}

TEST(RunningNode, TakesTheSameSettings) {
  EXPECT_EQ(not_while_it_runs(node(), config()), std::vector<std::string>());
}

TEST(RunningNode, EachThatNeedsARestartIsNamed) {
  struct Case {
    const char* option;
    void (*change)(Config&);
  };
  for (const Case& one : {Case{"--data", [](Config& c) { c.data = "/other"; }},
                          {"--runtime-dir", [](Config& c) { c.runtime_dir = "/other/run"; }},
                          {"--node", [](Config& c) { c.node = "n02"; }},
                          {"--keys", [](Config& c) { c.event = 8; }},
                          {"--rtmp", [](Config& c) { c.rtmp = "127.0.0.1:1936"; }},
                          {"--http", [](Config& c) { c.http = "127.0.0.1:8080"; }}}) {
    Config changed = config();
    one.change(changed);
    const auto faults = not_while_it_runs(node(), changed);
    ASSERT_EQ(faults.size(), 1u) << one.option;
    EXPECT_EQ(faults[0].find(one.option), 0u) << faults[0];
    EXPECT_NE(faults[0].find("restart"), std::string::npos) << faults[0];
  }
}

TEST(RunningNode, ListenersComeAndGo) {
  Config fewer = config();
  fewer.rtmp.clear();
  EXPECT_TRUE(not_while_it_runs(node(), fewer).empty());
  Config more = config();
  more.rtmps = "127.0.0.1:0";
  more.srt = "127.0.0.1:0";
  EXPECT_TRUE(not_while_it_runs(node(), more).empty());
  auto taken = tools::listen_tcp("127.0.0.1:0");
  ASSERT_TRUE(taken);
  more.rtmps = *tools::bound_address(taken->get());
  const auto faults = not_while_it_runs(node(), more);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_NE(faults[0].find("--rtmps"), std::string::npos) << faults[0];
}

TEST(RunningNode, AddressesAreComparedAsTheyAreBound) {
  EXPECT_TRUE(is_listening_as("0.0.0.0:1935", "*:1935"));
  EXPECT_TRUE(is_listening_as("0.0.0.0:1935", "0.0.0.0:1935"));
  EXPECT_TRUE(is_listening_as("127.0.0.1:40123", "127.0.0.1:0")) << "any port";
  EXPECT_TRUE(is_listening_as("127.0.0.1:7,9", "127.0.0.1:9,7"));
  EXPECT_TRUE(is_listening_as("127.0.0.1:7,9", "127.0.0.1:0,7"));
  EXPECT_FALSE(is_listening_as("127.0.0.1:7,9", "127.0.0.1:7"));
  EXPECT_FALSE(is_listening_as("127.0.0.1:7", "127.0.0.1:7,9"));
  EXPECT_FALSE(is_listening_as("127.0.0.1:40123", "0.0.0.0:0")) << "another address of the machine";
  EXPECT_FALSE(is_listening_as("127.0.0.1:7", "no.such.host:7"));
}

}  // namespace
}  // namespace headgate::serve

// SPDX-License-Identifier: LGPL-2.1-or-later
// Small parts of the control process: what NODE says of processes, what health statistics say.
#include <control/health.h>
#include <control/node_routes.h>
#include <gtest/gtest.h>

namespace headgate::control {
namespace {

TEST(NodeStats, EachProcessGetsItsOwnByItsId) {
  const std::string node = R"({"data":"/x\"processes\":[]","processes":[{"role":"gate","pid":3},)"
                           R"({"role":"worker","pid":4,"note":"]"}],"sessions":[]})";
  const auto text = with_stats(node, {{"gate", {3, R"({"accepted":7})"}}, {"worker-9", {9, "{}"}}});
  EXPECT_EQ(text,
            R"({"data":"/x\"processes\":[]","processes":[{"role":"gate","pid":3,"stats":{"accepted":7}},)"
            R"({"role":"worker","pid":4,"note":"]"}],"sessions":[]})");
}

TEST(NodeStats, WhatIsNoNodeOrNoStatisticsStays) {
  EXPECT_EQ(with_stats("{}", {}), "{}");
  EXPECT_EQ(with_stats(R"({"processes":[{"pid":3})", {}), R"({"processes":[{"pid":3})");
  const std::string node = R"({"processes":[{"pid":3}]})";
  EXPECT_EQ(with_stats(node, {{"gate", {3, "nonsense"}}}), node);
  EXPECT_EQ(with_stats(node, {{"gate", {3, "[]"}}}), node);
}

TEST(Conditions, OfAnyStreamAndOfAll) {
  EXPECT_TRUE(conditions_of(R"({"stalled":false,"streams":[{"late":false}]})").empty());
  EXPECT_EQ(
      conditions_of(R"({"stalled":true,"streams":[{"kind":"video","black":true},{"silent":true,"late":1}]})"),
      (std::set<std::string>{"stalled", "black", "silent"}));
  EXPECT_EQ(conditions_of(
                R"({"drifting":true,"streams":[{"low-frame-rate":true,"jittery":false},{"jumping":true}]})"),
            (std::set<std::string>{"drifting", "low-frame-rate", "jumping"}));
  EXPECT_TRUE(conditions_of("[").empty());
  EXPECT_TRUE(conditions_of(R"({"streams":[7,"x"]})").empty());
}

}  // namespace
}  // namespace headgate::control

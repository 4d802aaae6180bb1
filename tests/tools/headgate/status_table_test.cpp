// SPDX-License-Identifier: LGPL-2.1-or-later
// What `headgate status` says of the node as a whole.
#include <gtest/gtest.h>
#include <headgate/operate/status_table.h>

namespace headgate::cli {
namespace {

using Lines = std::vector<std::string>;

Lines notices_of(const std::string& node) {
  const auto parsed = Json::object_of(node);
  return parsed.is_object() ? node_notices(parsed, 0) : Lines{"no JSON"};
}

TEST(StatusTable, ADrainedNodeSaysSo) {
  const auto node = Json::object_of(R"({"draining": {"since_utc": "2026-09-14T06:00:00.000Z"}, "workers": [
    {"worker": 0, "pid": 10, "sessions": 1, "capacity": 50, "accepting": true, "reason": ""},
    {"worker": 1, "pid": 11, "sessions": 0, "capacity": 50, "accepting": false, "reason": "archive: full"}]})");
  EXPECT_EQ(
      node_notices(node, 0),
      (Lines{"DRAINING since 2026-09-14T06:00:00.000Z: no new publishers are taken; `headgate drain --off` "
             "ends it"}));
  const std::string table = status_table(node, 0);
  EXPECT_NE(table.find("     0   10      1/50  the node is drained\n"), table.npos) << table;
  EXPECT_NE(table.find("archive: full\n"), table.npos) << table;
  EXPECT_EQ(table.find("accepting"), table.npos) << table;
  EXPECT_EQ(notices_of(R"({"draining": null})"), Lines{});
}

TEST(StatusTable, AWorkerOfAnotherVersionHasSessionsThatNobodyKnows) {
  const auto node =
      Json::object_of(R"({"processes": [{"role": "supervisor", "pid": 1}, {"role": "worker", "pid": 10},
      {"role": "gate", "pid": 2, "protocol": "2.0"}, {"role": "worker", "pid": 12, "retiring": true, "protocol": "2.0"}],
    "workers": [{"worker": 0, "pid": 10, "sessions": 1, "capacity": 50, "accepting": true, "reason": ""}]})");
  const std::string table = status_table(node, 0);
  EXPECT_NE(table.find("     0   10      1/50  accepting\n"), table.npos) << table;
  EXPECT_NE(table.find("     -   12         ?  of another version (protocol 2.0): its sessions go on, and "
                       "are not known\n"),
            table.npos)
      << table;
  EXPECT_EQ(table.find("    2 "), table.npos) << "the gate is none: " << table;
}

TEST(StatusTable, AnUpgradeThatWentWrongIsTold) {
  const std::string begin = R"({"upgrade": {"since_utc": "2026-09-14T06:00:00.000Z", "state": ")";
  EXPECT_EQ(notices_of(begin + R"(refused", "reason": "worker: no\u001b[2J"}})"),
            Lines{"the upgrade of 2026-09-14T06:00:00.000Z was refused: worker: no [2J"});
  EXPECT_EQ(notices_of(begin + R"(failed", "reason": "gate: x"}})"),
            Lines{"the upgrade of 2026-09-14T06:00:00.000Z failed: gate: x"});
  EXPECT_EQ(notices_of(begin + R"(running"}})"),
            Lines{"an upgrade is under way since 2026-09-14T06:00:00.000Z"});
  for (const char* good : {"none", "done"}) EXPECT_EQ(notices_of(begin + good + "\"}}"), Lines{}) << good;
}

TEST(StatusTable, KeysThatAreWrongAreTold) {
  EXPECT_EQ(notices_of(R"({"keys": {"kids": "1", "digest": "aa", "problem": "event.json is missing"}})"),
            Lines{"the folder of keys is wrong, those before stay in use: event.json is missing"});
  EXPECT_EQ(notices_of(R"({"keys": {"kids": "1", "digest": "aa"}})"), Lines{});
  EXPECT_EQ(notices_of(R"({"keys": null})"), Lines{});
}

TEST(StatusTable, WhoIsSetApartIsNamed) {
  EXPECT_EQ(
      notices_of(R"({"apart": [{"worker": 9001, "stations": [3], "count": 1, "deaths": 2, "for_s": 10,
      "at_most_s": 3590}, {"worker": 9002, "stations": [5, 7], "count": 2, "deaths": 3, "for_s": 1, "at_most_s": 9}]})"),
      (Lines{"station 3 is set apart on worker 9001: 2 workers that it was on took too much; for 3590 s "
             "more at most",
             "stations 5, 7 are set apart on worker 9002: 3 workers that they were on took too much; for "
             "9 s more at most"}));
  std::string stations = "1000";
  for (int i = 1; i < 100; ++i) stations += ", " + std::to_string(1000 + i);
  const Lines many = notices_of(R"({"apart": [{"worker": 9001, "stations": [)" + stations +
                                R"(], "count": 250, "deaths": 2, "for_s": 10, "at_most_s": 3590}]})");
  ASSERT_EQ(many.size(), 1U);
  EXPECT_TRUE(many[0].starts_with("stations 1000, 1001, ")) << many[0];
  EXPECT_NE(many[0].find(" 1018, 1019 and 230 more are set apart on worker 9001: "), many[0].npos) << many[0];
  EXPECT_EQ(notices_of(R"({"apart": []})"), Lines{});
}

TEST(StatusTable, WhoIsAwayIsTold) {
  const std::string supervisor = R"({"role": "supervisor", "pid": 1})",
                    gate = R"({"role": "gate", "pid": 2})",
                    old = R"({"role": "gate", "pid": 3, "retiring": true})";
  EXPECT_EQ(notices_of(R"({"processes": [)" + supervisor + "," + gate + "]}"), Lines{});
  const Lines away = notices_of(R"({"processes": [)" + supervisor + "," + old + "]}");
  ASSERT_EQ(away.size(), 1U);
  EXPECT_TRUE(away[0].starts_with("the gate is away")) << away[0];
  const Lines nobody = notices_of(R"({"processes": []})");
  ASSERT_EQ(nobody.size(), 1U);
  EXPECT_TRUE(nobody[0].starts_with("the supervisor is away")) << nobody[0];
}

}  // namespace
}  // namespace headgate::cli

// SPDX-License-Identifier: LGPL-2.1-or-later
// What `headgate status` and `headgate top` say of pipelines that a node runs by itself.
#include <gtest/gtest.h>
#include <headgate/operate/instances_table.h>
#include <headgate/operate/status_table.h>
#include <headgate/operate/stream_rows.h>
#include <headgate/operate/top_model.h>

#include <algorithm>
#include <sstream>

namespace headgate::cli {
namespace {

constexpr char kNode[] = R"({"instances": [
  {"instance": "hall", "state": "running", "since_utc": "2026-09-14T06:00:00.000Z", "description": "videobox", "trigger": "always",
   "pid": 17, "restarts": 2, "cpu": 0.42, "memory_bytes": 70000000, "line": "00:10:00  video 25.0/s",
   "last_end": "ended with 1: v4l2src0: the camera was unplugged", "last_end_utc": "2026-09-14T05:59:50.000Z"},
  {"instance": "mass", "state": "scheduled", "since_utc": "2026-09-14T05:10:00.000Z", "description": "dumper", "trigger": "schedule",
   "pid": 18, "restarts": 0, "next_start_utc": "2026-09-14T08:10:00.000Z", "line": "waits"},
  {"instance": "door", "state": "backing-off", "since_utc": "2026-09-14T06:09:58.000Z", "description": "intake", "trigger": "listen",
   "restarts": 4, "failed_in_a_row": 3, "next_start_utc": "2026-09-14T06:10:20.000Z", "last_end": "ended with 1: address in use"},
  {"instance": "roof", "state": "given-up", "since_utc": "2026-09-14T06:09:00.000Z", "description": "videobox", "trigger": "always",
   "restarts": 9, "failed_in_a_row": 10, "last_end": "was killed by signal 9"},
  {"instance": "odd", "state": "refused", "since_utc": "2026-09-14T06:09:00.000Z", "reason": "odd.conf: \u001b[2Jcolor"}]})";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

const int64_t kNow = utc_us_of("2026-09-14T06:10:00.000Z");

TEST(InstancesTable, EachHasItsStateAndWhatComesNext) {
  const auto node = Json::object_of(kNode);
  ASSERT_TRUE(node.is_object());
  EXPECT_EQ(lines_of(instances_table(node, kNow)),
            (std::vector<std::string>{
                "PIPELINE  DESCRIPTION  STATE         SINCE  NEXT START  RESTARTS  CPU   MEMORY  WHAT",
                "hall      videobox     running      10m00s           -         2  42%  70.0 MB  00:10:00  "
                "video 25.0/s",
                "mass      dumper       scheduled     1h00m    in 2h00m         0    -        -  waits",
                "door      intake       backing-off      2s      in 20s         4    -        -  ended with "
                "1: address in use",
                "roof      videobox     given-up      1m00s           -         9    -        -  was killed "
                "by signal 9",
                "odd       -            refused       1m00s           -         -    -        -  odd.conf:  "
                "[2Jcolor"}));
  EXPECT_NE(status_table(node, kNow).find("hall      videobox     running"), std::string::npos);
}

TEST(InstancesTable, WhoNeedsSomebodyIsInTheNotices) {
  const auto node = Json::object_of(kNode);
  const auto notices = node_notices(node, kNow);
  auto has = [&](const char* text) {
    return std::find(notices.begin(), notices.end(), text) != notices.end();
  };
  EXPECT_EQ(notices.size(), 3U);
  EXPECT_TRUE(has("pipeline door starts again in 20s: it ended with 1: address in use"));
  EXPECT_TRUE(has("pipeline roof is given up after 10 failed runs: was killed by signal 9"));
  EXPECT_TRUE(has("pipeline odd is not as its file says: odd.conf:  [2Jcolor"));
  EXPECT_EQ(node_facts(node, {}, kNow).instances,
            "pipelines 1 running, 1 scheduled, 1 backing-off, 1 given-up, 1 refused");
}

TEST(InstancesTable, ANodeWithoutThemHasNoTable) {
  const auto node = Json::object_of(R"({"instances": []})");
  EXPECT_EQ(instances_table(node, kNow), "");
  EXPECT_EQ(node_facts(node, {}, kNow).instances, "");
  EXPECT_TRUE(node_notices(node, kNow).empty());
}

}  // namespace
}  // namespace headgate::cli

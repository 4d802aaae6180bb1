// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <headgate/operate/log_record.h>

namespace headgate::cli {
namespace {

TEST(LogRecord, ALineIsReadAndWrittenAlike) {
  for (const std::string line :
       {"2026-09-14T06:00:00.123Z headgate-worker[12] info: session opened station=7 session=1001 worker=3",
        "2026-09-14T06:00:00.000Z headgate[1] error: a=b is not all of it",
        "2026-09-14T06:00:00.000Z headgate-gate[1] notice: refused reason=\"a \\\"quoted\\\" \\\\ text\" "
        "station=1",
        "2026-09-14T06:00:00.000Z headgate-gate[1] debug: nothing else"}) {
    auto record = log_record_of_line(line + "\n");
    ASSERT_TRUE(record) << line;
    EXPECT_EQ(record->line(), line);
  }
}

TEST(LogRecord, WhatAStrangerWroteIsNoField) {
  auto record = log_record_of_line(
      "2026-09-14T06:00:00.000Z headgate-gate[1] info: closed: error x session=9 station=7 agent=\"a "
      "station=8 b\"");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->field("agent"), "a station=8 b");
  EXPECT_EQ(record->field("station"), "7");
  // Of two of one name the program's own, which stands behind.
  record = log_record_of_line("2026-09-14T06:00:00.000Z headgate-gate[1] info: error station=8 station=7");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->field("station"), "7");
}

TEST(LogRecord, OtherLinesAreNone) {
  for (const char* line : {"", "hello", "2026-09-14T06:00:00.000Z", "2026-09-14T06:00:00.000Z a b c: d",
                           "2026-09-14T06:00:00.000Z headgate[1] loud: d", "then headgate[1] info: d",
                           "0:00:01.1 12 0x55 WARN ticketsrc source.cpp:1:go: [1] info: x"})
    EXPECT_FALSE(log_record_of_line(line)) << line;
}

TEST(LogRecord, AnEntryOfTheJournal) {
  auto entry = Json::object_of(
      R"({"__REALTIME_TIMESTAMP":"1789365600123456","SYSLOG_IDENTIFIER":"headgate-worker","_PID":"12","PRIORITY":"4",)"
      R"("MESSAGE":[104,105,255],"HEADGATE_AGENT":"x y","HEADGATE_STATION":"7","HEADGATE_SESSION":["1001","1002"],"_UID":"0"})");
  ASSERT_TRUE(entry.is_object());
  auto record = log_record_of_journal(entry);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->utc_us, 1789365600123456);
  EXPECT_EQ(record->level, LogLevel::warning);
  EXPECT_EQ(record->message, "hi\xff");
  EXPECT_EQ(record->field("station"), "7");
  EXPECT_EQ(record->field("session"), "1001");
  const std::string line = record->line();
  EXPECT_EQ(line.substr(line.find(' ')),
            " headgate-worker[12] warning: hi? station=7 session=1001 agent=\"x y\"");
}

}  // namespace
}  // namespace headgate::cli

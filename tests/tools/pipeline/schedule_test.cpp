// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>
#include <gtest/gtest.h>
#include <pipeline/schedule.h>

namespace headgate::pipeline {
namespace {

int64_t at(const char* text) {
  GDateTime* time = g_date_time_new_from_iso8601(text, nullptr);
  EXPECT_NE(time, nullptr) << text;
  const int64_t out = g_date_time_to_unix(time) * G_USEC_PER_SEC;
  g_date_time_unref(time);
  return out;
}

std::string text(int64_t us) {
  GDateTime* time = g_date_time_new_from_unix_utc(us / G_USEC_PER_SEC);
  char* out = g_date_time_format(time, "%a %FT%TZ");
  std::string copy = out;
  g_free(out);
  g_date_time_unref(time);
  return copy;
}

std::string next(const Schedule& schedule, const char* now) {
  const auto window = schedule.at_or_after(at(now));
  return window ? text(window->begin_us) + " to " + text(window->end_us) : "none";
}

Schedule daily(const std::string& from, const std::string& until, const std::string& days = {},
               const std::string& zone = "UTC") {
  Schedule out;
  auto added = out.add(from, until, days, zone);
  EXPECT_TRUE(added.has_value()) << added.error().message;
  return out;
}

TEST(Schedule, ADayAndTheNext) {
  const Schedule schedule = daily("09:00", "18:30");
  EXPECT_EQ(next(schedule, "2026-09-14T06:00:00Z"), "Mon 2026-09-14T09:00:00Z to Mon 2026-09-14T18:30:00Z");
  EXPECT_EQ(next(schedule, "2026-09-14T09:00:00Z"), "Mon 2026-09-14T09:00:00Z to Mon 2026-09-14T18:30:00Z");
  EXPECT_EQ(next(schedule, "2026-09-14T18:29:59Z"), "Mon 2026-09-14T09:00:00Z to Mon 2026-09-14T18:30:00Z");
  EXPECT_EQ(next(schedule, "2026-09-14T18:30:00Z"), "Tue 2026-09-15T09:00:00Z to Tue 2026-09-15T18:30:00Z");
}

TEST(Schedule, DaysOfTheWeek) {
  const Schedule schedule = daily("10:00:30", "11:00", "sat,sun");
  EXPECT_EQ(next(schedule, "2026-09-14T06:00:00Z"), "Sat 2026-09-19T10:00:30Z to Sat 2026-09-19T11:00:00Z");
  EXPECT_EQ(next(schedule, "2026-09-20T12:00:00Z"), "Sat 2026-09-26T10:00:30Z to Sat 2026-09-26T11:00:00Z");
  // Round the end of the week.
  EXPECT_EQ(next(daily("10:00", "11:00", "fri-mon"), "2026-09-21T12:00:00Z"),
            "Fri 2026-09-25T10:00:00Z to Fri 2026-09-25T11:00:00Z");
}

TEST(Schedule, OverMidnightBelongsToTheDayThatItBeganOn) {
  const Schedule schedule = daily("22:00", "02:00", "fri");
  EXPECT_EQ(next(schedule, "2026-09-19T01:00:00Z"), "Fri 2026-09-18T22:00:00Z to Sat 2026-09-19T02:00:00Z");
  EXPECT_EQ(next(schedule, "2026-09-19T02:00:00Z"), "Fri 2026-09-25T22:00:00Z to Sat 2026-09-26T02:00:00Z");
}

TEST(Schedule, TheSameTimeTwiceIsAWholeDay) {
  const Schedule schedule = daily("06:00", "06:00", "mon");
  EXPECT_EQ(next(schedule, "2026-09-15T05:59:59Z"), "Mon 2026-09-14T06:00:00Z to Tue 2026-09-15T06:00:00Z");
}

TEST(Schedule, WhatTouchesIsOne) {
  Schedule schedule = daily("09:00", "12:00");
  ASSERT_TRUE(schedule.add("12:00", "14:00", "", "UTC"));
  ASSERT_TRUE(schedule.add("13:00", "13:30", "", "UTC"));
  EXPECT_EQ(next(schedule, "2026-09-14T06:00:00Z"), "Mon 2026-09-14T09:00:00Z to Mon 2026-09-14T14:00:00Z");
}

TEST(Schedule, MomentsComeOnce) {
  Schedule schedule;
  ASSERT_TRUE(schedule.add("2026-09-14T06:00:00Z", "2026-09-14T22:00:00+02:00", "", ""));
  EXPECT_EQ(next(schedule, "2026-01-01T00:00:00Z"), "Mon 2026-09-14T06:00:00Z to Mon 2026-09-14T20:00:00Z");
  EXPECT_EQ(next(schedule, "2026-09-14T19:59:59Z"), "Mon 2026-09-14T06:00:00Z to Mon 2026-09-14T20:00:00Z");
  EXPECT_EQ(next(schedule, "2026-09-14T20:00:00Z"), "none");
}

TEST(Schedule, ClocksThatAreChanged) {
  const Schedule schedule = daily("01:30", "03:30", "sun", "Europe/Brussels");
  // On 29 March 2026 clocks go from 02:00 to 03:00: the time is an hour shorter; on 25 October an hour
  // longer.
  EXPECT_EQ(next(schedule, "2026-03-28T00:00:00Z"), "Sun 2026-03-29T00:30:00Z to Sun 2026-03-29T01:30:00Z");
  EXPECT_EQ(next(schedule, "2026-10-24T12:00:00Z"), "Sat 2026-10-24T23:30:00Z to Sun 2026-10-25T02:30:00Z");
  // 02:15 to 02:45 is not there on that day in March: both are after the change, in their order.
  EXPECT_EQ(next(daily("02:15", "02:45", "sun", "Europe/Brussels"), "2026-03-28T00:00:00Z"),
            "Sun 2026-03-29T01:15:00Z to Sun 2026-03-29T01:45:00Z");
}

TEST(Schedule, WhatIsWrongIsTold) {
  Schedule schedule;
  const auto reason = [&](const char* from, const char* until, const char* days, const char* zone) {
    auto added = schedule.add(from, until, days, zone);
    return added ? std::string("good") : added.error().message;
  };
  EXPECT_NE(reason("9:00", "18:00", "", "").find("HH:MM"), std::string::npos);
  EXPECT_NE(reason("24:00", "18:00", "", "").find("HH:MM"), std::string::npos);
  EXPECT_NE(reason("09:00", "2026-09-14T06:00:00Z", "", "").find("HH:MM"), std::string::npos);
  EXPECT_NE(reason("-9:00", "18:00", "", "").find("HH:MM"), std::string::npos);
  EXPECT_NE(reason("09:00", "18:00", "montag", "").find("are no days"), std::string::npos);
  EXPECT_NE(reason("09:00", "18:00", "mon-", "").find("are no days"), std::string::npos);
  EXPECT_NE(reason("09:00", "18:00", "", "Europe/Atlantis").find("no time zone"), std::string::npos);
  EXPECT_NE(reason("2026-09-14T06:00:00Z", "2026-09-14T06:00:00Z", "", "").find("not after"),
            std::string::npos);
  EXPECT_NE(reason("2026-09-14T06:00:00Z", "2026-09-14T07:00:00Z", "mon", "").find("for times of the day"),
            std::string::npos);
  EXPECT_TRUE(schedule.empty());
  for (size_t i = 0; i < kMaxTimes; ++i) ASSERT_TRUE(schedule.add("09:00", "10:00", "", "UTC"));
  EXPECT_NE(reason("09:00", "10:00", "", "UTC").find("more than"), std::string::npos);
}

}  // namespace
}  // namespace headgate::pipeline

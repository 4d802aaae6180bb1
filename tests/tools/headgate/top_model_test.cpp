// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <headgate/operate/top_model.h>
#include <headgate/operate/top_source.h>

#include <unistd.h>

#include <cmath>

namespace headgate::cli {
namespace {

constexpr int64_t kSecond = 1'000'000;

StreamRow row(int64_t station, double kbps = 1000, Alarm alarm = Alarm::none) {
  StreamRow out;
  out.station = station;
  out.state = "live";
  out.kbps = kbps;
  out.alarm = alarm;
  out.peer = "192.0.2." + std::to_string(station);
  return out;
}

std::shared_ptr<const TopSnapshot> snapshot(std::vector<StreamRow> rows, int64_t mono_us = 0) {
  return std::make_shared<TopSnapshot>(TopSnapshot{Json::object_of("{}"), 0, mono_us, {}, std::move(rows)});
}

std::vector<int64_t> stations(const TopModel& model) {
  std::vector<int64_t> out;
  for (const StreamRow* one : model.rows()) out.push_back(one->station);
  return out;
}

using Stations = std::vector<int64_t>;

TEST(TopModel, AlarmsAreFirstAndTheUnknownIsLast) {
  TopModel model;
  model.take(
      snapshot({row(1), row(2, std::nan("")), row(3, 500, Alarm::warning), row(4, 700, Alarm::error)}));
  EXPECT_EQ(stations(model), (Stations{4, 3, 1, 2}));
  model.sort_by(Column::kbps);
  EXPECT_EQ(stations(model), (Stations{1, 4, 3, 2}));
  model.reverse();
  EXPECT_EQ(stations(model), (Stations{3, 4, 1, 2}));
}

TEST(TopModel, TheChosenStreamStaysChosenWhereverItGoes) {
  TopModel model;
  model.take(snapshot({row(1, 3), row(2, 2), row(3, 1)}));
  model.sort_by(Column::kbps);
  model.move_to(1);
  EXPECT_EQ(model.chosen()->station, 2);
  model.take(snapshot({row(1, 3), row(2, 9), row(3, 1)}));
  EXPECT_EQ(model.chosen()->station, 2);
  EXPECT_EQ(model.chosen_index(), 0U);
  // When it has gone, its place stays.
  model.move_to(2);
  model.take(snapshot({row(1, 3), row(2, 9)}));
  EXPECT_EQ(model.chosen()->station, 1);
  model.take(snapshot({}));
  EXPECT_EQ(model.chosen(), nullptr);
  model.move(1);
  EXPECT_FALSE(model.move_to_alarm(1));
}

TEST(TopModel, ScrollsNoFurtherThanItMust) {
  TopModel model;
  std::vector<StreamRow> rows;
  for (int64_t i = 0; i < 100; ++i) rows.push_back(row(i));
  model.take(snapshot(rows));
  EXPECT_EQ(model.first_shown(10), 0U);
  model.move(10);
  EXPECT_EQ(model.first_shown(10), 1U);
  model.move(-1);
  EXPECT_EQ(model.first_shown(10), 1U);
  model.move_to(SIZE_MAX);
  EXPECT_EQ(model.first_shown(10), 90U);
  EXPECT_EQ(model.first_shown(50), 50U);
  model.filter_by("192.0.2.7");  // 7, 70 to 79
  EXPECT_EQ(model.rows().size(), 11U);
  EXPECT_EQ(model.first_shown(50), 0U);
}

TEST(TopModel, JumpsBetweenAlarmsAroundTheEnd) {
  TopModel model;
  model.take(snapshot({row(1), row(2, 1, Alarm::warning), row(3), row(4, 1, Alarm::error), row(5)}));
  model.sort_by(Column::station);
  for (int64_t expected : {2, 4, 2}) {
    EXPECT_TRUE(model.move_to_alarm(1));
    EXPECT_EQ(model.chosen()->station, expected);
  }
  for (int64_t expected : {4, 2, 4}) {
    EXPECT_TRUE(model.move_to_alarm(-1));
    EXPECT_EQ(model.chosen()->station, expected);
  }
}

TEST(TopModel, FiltersWithoutRegardToCase) {
  TopModel model;
  StreamRow odd = row(2);
  odd.health = "Stalled ÄB";
  model.take(snapshot({row(1), odd}));
  model.filter_by("sTALLED äb");
  EXPECT_EQ(stations(model), Stations{2});
}

TEST(Trend, HasTheLastMinuteAndNoMore) {
  Trend trend;
  for (int64_t second = 0; second < 90; ++second)
    trend.add(second * kSecond, second < 45 ? 8000 : second < 75 ? 100 : 1600);
  // At 90 s: 30 to 45 are high, 45 to 75 low, 75 to 90 a fifth.
  EXPECT_EQ(trend.text(89 * kSecond, 4, true), "█▁▁▂");
  EXPECT_EQ(trend.text(89 * kSecond, 4, false), "@..:");
  EXPECT_EQ(trend.text(119 * kSecond, 4, true), "▁▂  ");
  trend.add(1000 * kSecond, std::nan(""));
  EXPECT_EQ(trend.text(1000 * kSecond, 4, true), "    ");
}

TEST(Columns, FitAnyWidth) {
  for (size_t width = 1; width < 300; ++width) {
    size_t used = 0;
    for (const ColumnLook& look : columns_in(width)) used += look.width + 1;
    EXPECT_LE(used, width + 1) << width;
  }
  EXPECT_EQ(columns_in(300).size(), column_looks().size());
}

TEST(FillForecast, GoesByWhatComesInOrByHowItFillsIfThatIsFaster) {
  FillForecast forecast;
  EXPECT_DOUBLE_EQ(forecast.full_in_s(0, 1e9, 8000), 1000);  // 1 MB/s
  EXPECT_TRUE(std::isnan(FillForecast().full_in_s(0, 1e9, 0)));
  EXPECT_TRUE(std::isnan(FillForecast().full_in_s(0, std::nan(""), 1)));
  // 2 MB/s over two minutes.
  EXPECT_DOUBLE_EQ(forecast.full_in_s(120 * kSecond, 1e9 - 240e6, 8000), 380);
}

TEST(ProcessMeter, MeasuresWhatIsOnThisMachine) {
  auto node = Json::object_of(R"({"processes":[{"role":"gate","pid":)" + std::to_string(::getpid()) +
                              R"(},{"role":"gate","pid":0},{"role":"x","pid":"y"}]})");
  ProcessMeter meter;
  meter.measure(node, 0);
  volatile uint64_t work = 0;
  for (int i = 0; i < 200'000'000; ++i) work = work + 1;
  const auto uses = meter.measure(node, kSecond);
  ASSERT_EQ(uses.size(), 2U);
  EXPECT_EQ(uses[0].role, "gate");
  EXPECT_EQ(uses[0].count, 2);
  EXPECT_GT(uses[0].cpu, 0.01);
  EXPECT_GT(uses[0].resident_bytes, 1e5);
  EXPECT_EQ(uses[1].resident_bytes, 0);
}

std::vector<std::string> clock_notices(const std::string& clock) {
  const auto node = Json::object_of(R"({"clock":)" + clock + "}");
  return node_facts(node, {}, utc_us_of("2026-09-14T06:30:00.000Z")).notices;
}

TEST(NodeFacts, TellOfAClockThatIsNotKeptRight) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(clock_notices(R"({"synchronised":true,"max_error_us":9,"steps":0})"), Lines{});
  EXPECT_EQ(clock_notices(R"({"steps":0})"), Lines{}) << "the kernel did not say";
  EXPECT_EQ(clock_notices(R"({"synchronised":false,"steps":0})"),
            Lines{"nothing keeps the machine's clock right: tickets and the archive go by it"});
  EXPECT_EQ(
      clock_notices(
          R"({"synchronised":true,"steps":2,"last_step_ms":-7200500,"last_step_utc":"2026-09-14T06:00:00.000Z"})"),
      Lines{"the machine's clock was stepped by -7200.5 s at 2026-09-14T06:00:00.000Z"});
  EXPECT_EQ(
      clock_notices(
          R"({"synchronised":true,"steps":2,"last_step_ms":900,"last_step_utc":"2026-09-14T05:29:00.000Z"})"),
      Lines{})
      << "that is long ago";
}

}  // namespace
}  // namespace headgate::cli

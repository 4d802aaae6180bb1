// SPDX-License-Identifier: LGPL-2.1-or-later
#include <control/metrics/text.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

namespace headgate::metrics {
namespace {

TEST(MetricsTable, NamesKeepToTheConventions) {
  std::set<std::string> names;
  for (const Metric& one : table()) {
    const std::string name = one.name;
    EXPECT_TRUE(names.insert(name).second) << name << " is there twice";
    EXPECT_TRUE(std::regex_match(name, std::regex("headgate_[a-z][a-z0-9_]*"))) << name;
    EXPECT_EQ(name.ends_with("_total"), one.kind == Kind::counter) << name;
    for (const char* unit : {"_ms", "_us", "_milliseconds", "_kbps", "_kilobytes", "_percent"})
      EXPECT_EQ(name.find(unit), name.npos) << name << ": not a base unit";
    const std::string help = one.help;
    EXPECT_FALSE(help.empty());
    EXPECT_EQ(help.find_first_of("\n\\|"), help.npos) << name << ": would need an escape";
  }
}

TEST(MetricsText, SamplesStandBehindTheirHelp) {
  Text text;
  text.add(Id::viewers, {}, int64_t{7});
  text.add(Id::sessions, {{"protocol", "srt"}}, int64_t{2});
  text.add(Id::sessions, {{"protocol", "rtmp"}}, int64_t{3});
  EXPECT_EQ(text.take(Format::prometheus),
            "# HELP headgate_sessions Publishers that are connected\n"
            "# TYPE headgate_sessions gauge\n"
            "headgate_sessions{protocol=\"srt\"} 2\n"
            "headgate_sessions{protocol=\"rtmp\"} 3\n" +
                std::string("# HELP headgate_http_viewers ") + metric(Id::viewers).help +
                "\n# TYPE headgate_http_viewers gauge\nheadgate_http_viewers 7\n");
  EXPECT_EQ(text.take(Format::prometheus), "");
}

TEST(MetricsText, OpenMetricsNamesCountersWithoutTotal) {
  Text text;
  text.add(Id::gate_accepted, {}, int64_t{9});
  EXPECT_EQ(text.take(Format::openmetrics),
            "# HELP headgate_gate_connections_accepted TCP connections accepted\n"
            "# TYPE headgate_gate_connections_accepted counter\n"
            "headgate_gate_connections_accepted_total 9\n"
            "# EOF\n");
}

TEST(MetricsText, LabelsAreEscapedAndEmptyOnesLeftOut) {
  Text text;
  text.add(Id::build_info, {{"version", "a\\b\"c\nd"}}, int64_t{1});
  text.add(Id::process_up, {{"role", "gate"}, {"worker", ""}}, int64_t{1});
  const std::string out = text.take(Format::prometheus);
  EXPECT_NE(out.find(R"(headgate_build_info{version="a\\b\"c\nd"} 1)"), out.npos) << out;
  EXPECT_NE(out.find("headgate_process_up{role=\"gate\"} 1\n"), out.npos) << out;
}

TEST(MetricsText, NumbersReadBackTheSame) {
  Text text;
  text.add(Id::clock_error, {}, -0.000123);
  text.add(Id::archive_free, {}, int64_t{9'007'199'254'740'993});
  const std::string out = text.take(Format::prometheus);
  EXPECT_NE(out.find("headgate_clock_estimated_error_seconds -0.000123\n"), out.npos) << out;
  EXPECT_NE(out.find("headgate_archive_free_bytes 9007199254740993\n"), out.npos) << out;
}

TEST(MetricsText, BucketsAddUp) {
  Histogram histogram;
  histogram.add(400);
  histogram.add(2000);
  histogram.add(60'000'000);
  Text text;
  text.add(Id::http_duration, {{"class", "page"}}, histogram);
  const std::string out = text.take(Format::prometheus);
  const std::string front = "headgate_http_request_duration_seconds";
  for (const char* line :
       {"_bucket{class=\"page\",le=\"0.0005\"} 1\n", "_bucket{class=\"page\",le=\"0.001\"} 1\n",
        "_bucket{class=\"page\",le=\"0.0025\"} 2\n", "_bucket{class=\"page\",le=\"10\"} 2\n",
        "_bucket{class=\"page\",le=\"+Inf\"} 3\n", "_sum{class=\"page\"} 60.0024\n",
        "_count{class=\"page\"} 3\n"})
    EXPECT_NE(out.find(front + line), out.npos) << line << out;
}

TEST(MetricsText, TheFormatIsWhatTheScraperAccepts) {
  EXPECT_EQ(format_for(""), Format::prometheus);
  EXPECT_EQ(format_for("text/plain;version=0.0.4"), Format::prometheus);
  EXPECT_EQ(format_for("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"), Format::openmetrics);
}

}  // namespace
}  // namespace headgate::metrics

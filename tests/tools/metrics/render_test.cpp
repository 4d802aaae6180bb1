// SPDX-License-Identifier: LGPL-2.1-or-later
// What is made of a NODE with something of everything (node.json).
#include <control/metrics/render.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

namespace headgate::metrics {
namespace {

std::string sample_node() {
  std::ifstream file(NODE_JSON);
  EXPECT_TRUE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string rendered(bool per_stream = false) {
  return render(sample_node(), {Format::prometheus, per_stream});
}

std::set<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::set<std::string> out;
  for (std::string line; std::getline(in, line);)
    if (!line.starts_with('#')) out.insert(line);
  return out;
}

void expect_lines(const std::string& text, std::initializer_list<const char*> lines) {
  const std::set<std::string> there = lines_of(text);
  for (const char* line : lines) EXPECT_TRUE(there.contains(line)) << "missing: " << line;
}

TEST(MetricsRender, TellsEveryMetricOfTheTable) {
  const std::string text = rendered(true);
  for (const Metric& one : table())
    EXPECT_NE(text.find("# TYPE " + std::string(one.name) + " "), text.npos) << one.name;
}

TEST(MetricsRender, EverySeriesIsThereOnce) {
  std::set<std::string> series;
  for (const std::string& line : lines_of(rendered(true)))
    EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
}

TEST(MetricsRender, Processes) {
  const std::string text = rendered();
  expect_lines(
      text,
      {"headgate_build_info{version=\"0.9.1\"} 1", "headgate_node_start_time_seconds 1789365600.5",
       "headgate_process_up{role=\"supervisor\"} 1", "headgate_process_up{role=\"gate\"} 1",
       "headgate_process_up{role=\"worker\",worker=\"0\"} 1",
       "headgate_process_up{role=\"worker\",worker=\"1\"} 1", "headgate_process_up{role=\"control\"} 1",
       "headgate_process_start_time_seconds{role=\"gate\"} 1789365601",
       "headgate_process_restarts_total{role=\"gate\"} 2",
       "headgate_process_restarts_total{role=\"worker\",worker=\"0\"} 1",
       "headgate_process_cpu_seconds_total{role=\"worker\",worker=\"0\"} 3.25",
       "headgate_process_resident_memory_bytes{role=\"worker\",worker=\"0\"} 80000000",
       "headgate_process_proportional_memory_bytes{role=\"worker\",worker=\"0\"} 60000000",
       "headgate_process_open_fds{role=\"supervisor\"} 30",
       "headgate_process_max_fds{role=\"supervisor\"} 524288", "headgate_process_threads{role=\"gate\"} 4"});
  // A worker that has not said which it is: no series to put it into.
  for (const char* name : {"process_up", "process_restarts_total", "process_cpu_seconds_total"})
    EXPECT_EQ(text.find("headgate_" + std::string(name) + "{role=\"worker\"}"), text.npos) << name;
  // The gate of before an upgrade is no second series.
  EXPECT_EQ(text.find("headgate_process_cpu_seconds_total{role=\"gate\"} 1e-06"), text.npos);
}

TEST(MetricsRender, GateAndItsRefusals) {
  expect_lines(
      rendered(),
      {"headgate_sessions{protocol=\"rtmp\"} 1", "headgate_sessions{protocol=\"rtmps\"} 0",
       "headgate_sessions{protocol=\"srt\"} 1", "headgate_sessions_admitted_total{protocol=\"rtmps\"} 10",
       "headgate_sessions_reconnected_total{claim=\"resume\"} 3",
       "headgate_sessions_refused_total{transport=\"rtmp\",code=\"1401\",reason=\"unauthorized\"} 3",
       "headgate_sessions_refused_total{transport=\"rtmp\",code=\"1999\",reason=\"other\"} 2",
       "headgate_sessions_refused_total{transport=\"srt\",code=\"1403\",reason=\"forbidden\"} 4",
       "headgate_handshakes_failed_total{transport=\"rtmp\",reason=\"timed_out\"} 4",
       "headgate_handshakes_failed_total{transport=\"rtmp\",reason=\"made_way\"} 12",
       "headgate_handshakes_failed_total{transport=\"srt\",reason=\"gone\"} 1",
       "headgate_gate_connections_accepted_total 120", "headgate_gate_connections{state=\"tls_handshake\"} 1",
       "headgate_gate_draining 0", "headgate_srt_check_seconds_total 0.00065",
       "headgate_certificate_expiry_time_seconds 1796083200"});
}

TEST(MetricsRender, Workers) {
  expect_lines(rendered(),
               {"headgate_worker_accepting{worker=\"0\"} 1", "headgate_worker_capacity{worker=\"0\"} 50",
                "headgate_received_bytes_total{worker=\"0\"} 123456789",
                "headgate_srt_received_packets_total{worker=\"0\"} 70000",
                "headgate_srt_retransmitted_packets_total{worker=\"0\"} 210",
                "headgate_srt_lost_packets_total{worker=\"0\"} 230",
                "headgate_srt_dropped_packets_total{worker=\"0\"} 20",
                "headgate_received_frames_total{worker=\"0\",kind=\"audio\"} 8600",
                "headgate_stream_av_drifts_total{worker=\"0\"} 1",
                "headgate_archive_write_errors_total{worker=\"0\",reason=\"full\"} 1",
                "headgate_archive_commit_duration_seconds_bucket{worker=\"0\",le=\"0.001\"} 3",
                "headgate_archive_commit_duration_seconds_bucket{worker=\"0\",le=\"10\"} 6",
                "headgate_archive_commit_duration_seconds_bucket{worker=\"0\",le=\"+Inf\"} 7",
                "headgate_archive_commit_duration_seconds_sum{worker=\"0\"} 12.0125",
                "headgate_archive_commit_lag_seconds{worker=\"0\"} 0.73",
                "headgate_encoder_failures_total{worker=\"0\"} 1"});
}

TEST(MetricsRender, StreamsAreCountedByStateAndAlarm) {
  expect_lines(
      rendered(),
      {"headgate_streams{state=\"live\"} 2", "headgate_streams{state=\"waiting\"} 1",
       "headgate_streams{state=\"ended\"} 1", "headgate_streams_alarmed{kind=\"late\"} 1",
       "headgate_streams_alarmed{kind=\"stalled\"} 0",  // of those that are live
       "headgate_streams_alarmed{kind=\"black\"} 1", "headgate_streams_alarmed{kind=\"silent\"} 1",
       "headgate_streams_alarmed{kind=\"drifting\"} 1", "headgate_streams_alarmed{kind=\"low-frame-rate\"} 1",
       "headgate_streams_alarmed{kind=\"jittery\"} 0", "headgate_streams_alarmed{kind=\"out-of-sync\"} 0",
       "headgate_stream_lateness_max_seconds 2.5", "headgate_srt_round_trip_max_seconds 0.0855",
       "headgate_renditions{state=\"running\"} 1", "headgate_renditions{state=\"paused\"} 1",
       "headgate_renditions{state=\"ended\"} 0"});
}

TEST(MetricsRender, OriginVolumeAndNode) {
  expect_lines(rendered(),
               {"headgate_http_requests_total{class=\"playlist\",status=\"2xx\"} 900",
                "headgate_http_sent_bytes_total{class=\"segment\"} 300000000",
                "headgate_http_request_duration_seconds_bucket{class=\"playlist\",le=\"0.001\"} 190",
                "headgate_http_request_duration_seconds_count{class=\"playlist\"} 200",
                "headgate_http_waits_total{class=\"playlist\"} 700",
                "headgate_http_waiting 4",
                "headgate_http_connections 21",
                "headgate_http_connections_closed_total{reason=\"made_way\"} 14",
                "headgate_http_connections_closed_total{reason=\"over_address\"} 15",
                "headgate_http_connections_closed_total{reason=\"overdue\"} 13",
                "headgate_http_viewers 17",
                "headgate_index_segments{kind=\"replay\"} 3600",
                "headgate_archive_size_bytes 2000000000000",
                "headgate_archive_space{state=\"good\"} 1",
                "headgate_archive_space{state=\"full\"} 0",
                "headgate_recovery{state=\"running\"} 1",
                "headgate_recovery_stations{progress=\"all\"} 40",
                "headgate_rung_pixels_per_second 10500000",
                "headgate_rung_requests_refused_total 2",
                "headgate_pipelines_good 0",
                "headgate_keys_good 0",
                "headgate_clock_estimated_error_seconds 0.000125",
                "headgate_clock_synchronised 1",
                "headgate_events_total{severity=\"warning\"} 7",
                "headgate_webhooks_failed_total 9",
                "headgate_webhooks_pending 2"});
}

TEST(MetricsRender, EachPipelineOfTheNodesOwn) {
  const std::string text = rendered();
  expect_lines(text, {"headgate_own_pipeline_state{name=\"hall\",state=\"running\"} 1",
                      "headgate_own_pipeline_state{name=\"hall\",state=\"backing-off\"} 0",
                      "headgate_own_pipeline_state{name=\"door\",state=\"scheduled\"} 1",
                      "headgate_own_pipeline_state{name=\"odd\",state=\"refused\"} 1",
                      "headgate_own_pipeline_restarts_total{name=\"hall\"} 3",
                      "headgate_own_pipeline_cpu_seconds_total{name=\"hall\"} 4.5",
                      "headgate_own_pipeline_cpu_seconds_total{name=\"door\"} 0.1",
                      "headgate_own_pipeline_resident_memory_bytes{name=\"door\"} 30000000"});
  EXPECT_NE(text.find("headgate_own_pipeline_next_start_time_seconds{name=\"door\"}"), text.npos);
  EXPECT_EQ(text.find("role=\"pipeline\""), text.npos) << "which one it is would not be seen";
}

TEST(MetricsRender, WhatPolicyHasDecided) {
  expect_lines(
      rendered(),
      {"headgate_node_full{measure=\"late\"} 0", "headgate_node_full{measure=\"cpu\"} 1",
       "headgate_node_full{measure=\"disk\"} 1", "headgate_quarantined_stations{state=\"isolated\"} 1",
       "headgate_quarantined_stations{state=\"refused\"} 2", "headgate_process_alarm{role=\"worker\"} 1",
       "headgate_process_alarm{role=\"origin\"} 1", "headgate_process_alarm{role=\"gate\"} 0",
       "headgate_process_alarm{role=\"control\"} 0"});
  // Nobody is told of by his absence.
  expect_lines(
      render(R"({"capacity":{"measures":[]},"quarantine":[],"alarms":[]})", {}),
      {"headgate_quarantined_stations{state=\"refused\"} 0", "headgate_process_alarm{role=\"gate\"} 0"});
}

TEST(MetricsRender, StationsOnlyIfWanted) {
  EXPECT_EQ(rendered().find("station="), std::string::npos);
  expect_lines(rendered(true),
               {"headgate_station_live{station=\"421\"} 1",
                "headgate_station_received_bytes_per_second{station=\"421\"} 188750",
                "headgate_station_lateness_seconds{station=\"421\"} 2.5",
                "headgate_station_live{station=\"423\"} 0", "headgate_station_gaps{station=\"423\"} 1",
                "headgate_station_srt_round_trip_seconds{station=\"422\"} 0.0855",
                "headgate_station_srt_lost_ratio{station=\"422\"} 0.031",
                "headgate_station_srt_dropped_ratio{station=\"422\"} 0.0025",
                "headgate_station_srt_bandwidth_bytes_per_second{station=\"422\"} 750000"});
  EXPECT_EQ(rendered(true).find("headgate_station_srt_round_trip_seconds{station=\"421\"}"),
            std::string::npos);
}

TEST(MetricsRender, WhatIsMissingIsLeftOut) {
  const std::string text = render("{\"version\":\"1\"}", {});
  expect_lines(text, {"headgate_build_info{version=\"1\"} 1", "headgate_process_up{role=\"gate\"} 0"});
  EXPECT_EQ(text.find("headgate_streams"), text.npos);
  EXPECT_EQ(text.find("headgate_sessions"), text.npos);
  EXPECT_EQ(render("", {}), "");
  EXPECT_EQ(render("[]", {}), "");
}

TEST(MetricsRender, TakesNothingOfAnotherType) {
  const std::string text = render(
      R"({"version":7,"processes":[1,{"role":[]},{"role":"gate","usage":{"cpu_us":"x"},"stats":[]},)"
      R"({"role":"worker","pid":"1","stats":{"id":{}}},{"role":"origin","stats":{"requests":{"page":{)"
      R"("2xx":true,"durations":{"counts":[1,2],"sum_us":3}}}}}],"streams":{},"space":3,"rungs":null})",
      {});
  EXPECT_EQ(text.find("usage"), text.npos);
  // That of the roles, and that there are no streams: by state 3, by alarm 8, the latest, renditions 4,
  // sessions none.
  EXPECT_EQ(lines_of(text).size(), 4u) << text;
}

}  // namespace
}  // namespace headgate::metrics

// SPDX-License-Identifier: LGPL-2.1-or-later
// Every metric that a node tells, once: what is written for Prometheus and the table of docs/metrics.md are
// made of this. Base units, counters end in _total.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace headgate::metrics {

enum class Kind : uint8_t { counter, gauge, histogram };

// In the order of the table.
enum class Id : uint8_t {
  build_info,
  node_start_time,
  process_up,
  process_start_time,
  process_restarts,
  process_cpu,
  process_resident,
  process_proportional,
  process_open_fds,
  process_max_fds,
  process_threads,
  sessions,
  admitted,
  reconnects,
  refused,
  handshakes_failed,
  gate_accepted,
  gate_accept_errors,
  gate_connections,
  gate_draining,
  srt_checks,
  srt_check_time,
  certificate_expiry,
  worker_accepting,
  worker_sessions,
  worker_capacity,
  worker_opened,
  worker_failed,
  received_bytes,
  received_frames,
  timestamp_repairs,
  stalls,
  lates,
  jumps,
  backward,
  drifts,
  gaps,
  streams,
  alarms,
  lateness_max,
  srt_received,
  srt_retransmitted,
  srt_lost,
  srt_dropped,
  srt_rtt_max,
  archive_bytes,
  derived_bytes,
  archive_parts,
  archive_segments,
  archive_write_errors,
  commit_duration,
  commit_lag,
  runs_open,
  archive_free,
  archive_size,
  archive_space,
  recovery,
  recovery_stations,
  http_requests,
  http_sent,
  http_duration,
  http_waits,
  http_waiting,
  http_connections,
  http_closed,
  viewers,
  index_segments,
  renditions,
  rungs,
  rung_pixels,
  rung_pixels_max,
  rungs_started,
  rungs_refused,
  rungs_made_way,
  encoder_failures,
  pipelines_good,
  keys_good,
  node_full,
  quarantined,
  process_alarm,
  own_state,
  own_restarts,
  own_cpu,
  own_resident,
  own_next_start,
  clock_synchronised,
  clock_error,
  clock_max_error,
  clock_steps,
  events,
  webhooks_pending,
  webhooks_sent,
  webhooks_failed,
  station_live,
  station_byte_rate,
  station_frame_rate,
  station_lateness,
  station_gaps,
  station_srt_rtt,
  station_srt_lost,
  station_srt_dropped,
  station_srt_bandwidth,
  count_
};

struct Metric {
  Id id;
  const char* name;
  Kind kind;
  const char* labels;  // with commas; empty: none
  const char* help;    // one line
};

std::span<const Metric> table();
const Metric& metric(Id id);
const char* name_of(Kind kind);

// The table of docs/metrics.md, in Markdown.
std::string markdown();

}  // namespace headgate::metrics

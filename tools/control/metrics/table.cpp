// SPDX-License-Identifier: LGPL-2.1-or-later
#include "table.h"

#include <array>

namespace headgate::metrics {
namespace {

constexpr auto kCounter = Kind::counter, kGauge = Kind::gauge;

constexpr std::array kTable{
    Metric{Id::build_info, "headgate_build_info", kGauge, "version", "1; the version is the label"},
    Metric{Id::node_start_time, "headgate_node_start_time_seconds", kGauge, "",
           "Unix time at which the supervisor was started"},

    Metric{Id::process_up, "headgate_process_up", kGauge, "role, worker",
           "Whether the process runs. Workers that do not run are left out"},
    Metric{Id::process_start_time, "headgate_process_start_time_seconds", kGauge, "role, worker",
           "Unix time at which the process was started, or taken over by this supervisor"},
    Metric{Id::process_restarts, "headgate_process_restarts_total", kCounter, "role, worker",
           "Starts after a death, since the supervisor's start"},
    Metric{Id::process_cpu, "headgate_process_cpu_seconds_total", kCounter, "role, worker",
           "Processor time of all threads, user and system"},
    Metric{Id::process_resident, "headgate_process_resident_memory_bytes", kGauge, "role, worker",
           "Resident memory"},
    Metric{Id::process_proportional, "headgate_process_proportional_memory_bytes", kGauge, "role, worker",
           "Resident memory, of which what several processes share is divided (PSS); each 10 s"},
    Metric{Id::process_open_fds, "headgate_process_open_fds", kGauge, "role, worker",
           "Open file descriptors; each 10 s"},
    Metric{Id::process_max_fds, "headgate_process_max_fds", kGauge, "role, worker",
           "File descriptors that it may have"},
    Metric{Id::process_threads, "headgate_process_threads", kGauge, "role, worker", "Threads"},

    Metric{Id::sessions, "headgate_sessions", kGauge, "protocol", "Publishers that are connected"},
    Metric{Id::admitted, "headgate_sessions_admitted_total", kCounter, "protocol",
           "Publishers that were let in and handed to a worker"},
    Metric{Id::reconnects, "headgate_sessions_reconnected_total", kCounter, "claim",
           "Those of them whose ticket had a session before: resume, the same one again; takeover, another "
           "one after it fell silent"},
    Metric{Id::refused, "headgate_sessions_refused_total", kCounter, "transport, code, reason",
           "Publishers that were refused, by the code of docs/tickets.md"},
    Metric{
        Id::handshakes_failed, "headgate_handshakes_failed_total", kCounter, "transport, reason",
        "Connections that ended without a word about a ticket: timed_out, gone (closed by the peer), denied "
        "(address list), flooded (failures) and over_network (connections: too many of one network), "
        "made_way "
        "(for somebody else: too many in all), over_handshakes (too many within TLS)"},
    Metric{Id::gate_accepted, "headgate_gate_connections_accepted_total", kCounter, "",
           "TCP connections accepted"},
    Metric{Id::gate_accept_errors, "headgate_gate_accept_errors_total", kCounter, "",
           "Connections not accepted for want of descriptors or memory"},
    Metric{
        Id::gate_connections, "headgate_gate_connections", kGauge, "state",
        "Connections that the gate itself has: unauthenticated; of them tls_handshake and tls_waiting (for "
        "their turn); tls_relayed and srt_relayed: sessions whose payload it passes on; srt_pending"},
    Metric{Id::gate_draining, "headgate_gate_draining", kGauge, "", "Whether the gate lets nobody in"},
    Metric{Id::srt_checks, "headgate_srt_checks_total", kCounter, "", "SRT handshakes that were judged"},
    Metric{Id::srt_check_time, "headgate_srt_check_seconds_total", kCounter, "",
           "Time that these took, during which the port's other callers wait"},
    Metric{Id::certificate_expiry, "headgate_certificate_expiry_time_seconds", kGauge, "",
           "Unix time at which the certificate of RTMPS ends"},

    Metric{Id::worker_accepting, "headgate_worker_accepting", kGauge, "worker",
           "Whether the worker takes sessions"},
    Metric{Id::worker_sessions, "headgate_worker_sessions", kGauge, "worker", "Sessions that it has"},
    Metric{Id::worker_capacity, "headgate_worker_capacity", kGauge, "worker", "Sessions that it takes"},
    Metric{Id::worker_opened, "headgate_worker_sessions_opened_total", kCounter, "worker",
           "Sessions that it began"},
    Metric{Id::worker_failed, "headgate_worker_sessions_failed_total", kCounter, "worker",
           "Sessions that ended with an error of the pipeline"},

    Metric{Id::received_bytes, "headgate_received_bytes_total", kCounter, "worker", "Bytes from publishers"},
    Metric{Id::received_frames, "headgate_received_frames_total", kCounter, "worker, kind",
           "Access units from publishers, video and audio"},
    Metric{Id::timestamp_repairs, "headgate_timestamp_repairs_total", kCounter, "worker",
           "Frames whose time was changed"},
    Metric{Id::stalls, "headgate_stream_stalls_total", kCounter, "worker",
           "Times that a track stopped coming for longer than healthprobe's stall-threshold"},
    Metric{Id::lates, "headgate_stream_lates_total", kCounter, "worker",
           "Times that a track fell behind real time by late-threshold"},
    Metric{Id::jumps, "headgate_stream_jumps_total", kCounter, "worker",
           "Frames that were further ahead than jump-threshold"},
    Metric{Id::backward, "headgate_stream_backward_total", kCounter, "worker",
           "Frames with an earlier time than the one before"},
    Metric{Id::drifts, "headgate_stream_av_drifts_total", kCounter, "worker",
           "Times that sound and picture moved apart by drift-threshold"},
    Metric{Id::gaps, "headgate_archive_gaps_total", kCounter, "worker", "Gaps recorded"},

    Metric{Id::streams, "headgate_streams", kGauge, "state", "Streams of the event: live, waiting, ended"},
    Metric{Id::alarms, "headgate_streams_alarmed", kGauge, "kind",
           "Live streams of which this is so now: the conditions of docs/health.md"},
    Metric{Id::lateness_max, "headgate_stream_lateness_max_seconds", kGauge, "",
           "How far the live stream that is furthest behind real time is behind"},

    Metric{Id::srt_received, "headgate_srt_received_packets_total", kCounter, "worker",
           "Data packets of SRT publishers that came, each once"},
    Metric{Id::srt_retransmitted, "headgate_srt_retransmitted_packets_total", kCounter, "worker",
           "Data packets of SRT publishers that came again"},
    Metric{Id::srt_lost, "headgate_srt_lost_packets_total", kCounter, "worker",
           "Data packets of SRT publishers that were missed at first; most of them came later"},
    Metric{Id::srt_dropped, "headgate_srt_dropped_packets_total", kCounter, "worker",
           "Data packets of SRT publishers that came too late or never: holes in the streams"},
    Metric{Id::srt_rtt_max, "headgate_srt_round_trip_max_seconds", kGauge, "",
           "The longest round trip to a live SRT publisher"},

    Metric{Id::archive_bytes, "headgate_archive_written_bytes_total", kCounter, "worker",
           "Media written to the archive"},
    Metric{Id::derived_bytes, "headgate_derived_written_bytes_total", kCounter, "worker",
           "Media written of derived renditions"},
    Metric{Id::archive_parts, "headgate_archive_parts_total", kCounter, "worker", "Parts written"},
    Metric{Id::archive_segments, "headgate_archive_segments_total", kCounter, "worker", "Segments written"},
    Metric{Id::archive_write_errors, "headgate_archive_write_errors_total", kCounter, "worker, reason",
           "Times that media of a session could not be recorded: full (no space), io"},
    Metric{Id::commit_duration, "headgate_archive_commit_duration_seconds", Kind::histogram, "worker",
           "How long commits took that had something to make durable"},
    Metric{Id::commit_lag, "headgate_archive_commit_lag_seconds", kGauge, "worker",
           "Since the beginning of the last commit that went well; 0: nothing is being recorded"},
    Metric{Id::runs_open, "headgate_archive_runs_open", kGauge, "worker", "Runs that are being written"},
    Metric{Id::archive_free, "headgate_archive_free_bytes", kGauge, "", "Free on the archive's volume"},
    Metric{Id::archive_size, "headgate_archive_size_bytes", kGauge, "", "Size of the archive's volume"},
    Metric{Id::archive_space, "headgate_archive_space", kGauge, "state",
           "1 for the volume's state: good, low, full; 0 for the others"},
    Metric{Id::recovery, "headgate_recovery", kGauge, "state",
           "1 for the state of the recovery after a crash: running, done, failed; 0 for the others"},
    Metric{Id::recovery_stations, "headgate_recovery_stations", kGauge, "progress",
           "While it runs: stations that were looked at (done), of so many (all)"},

    Metric{Id::http_requests, "headgate_http_requests_total", kCounter, "class, status",
           "Answers to viewers: playlist, segment, part, page, api, other; 1xx to 5xx"},
    Metric{Id::http_sent, "headgate_http_sent_bytes_total", kCounter, "class",
           "Bytes of answers that were given to the kernel, with the headers of media"},
    Metric{Id::http_duration, "headgate_http_request_duration_seconds", Kind::histogram, "class",
           "From a request to the beginning of its answer; without those that waited for media to come"},
    Metric{Id::http_waits, "headgate_http_waits_total", kCounter, "class",
           "Answers that waited for media to come (low latency)"},
    Metric{Id::http_waiting, "headgate_http_waiting", kGauge, "", "Requests that wait for media now"},
    Metric{Id::http_connections, "headgate_http_connections", kGauge, "", "Connections of viewers"},
    Metric{Id::http_closed, "headgate_http_connections_closed_total", kCounter, "reason",
           "Connections of viewers that were closed for others' sake: made_way (idle, and no room left), "
           "over_address (too many of one), overdue (no headers in time)"},
    Metric{
        Id::viewers, "headgate_http_viewers", kGauge, "",
        "Connections on which media or playlists were asked for in the last 30 s. A player has one or more; "
        "a proxy has many players' on one"},
    Metric{Id::index_segments, "headgate_index_segments", kGauge, "kind",
           "Segments in memory: live (windows, of all renditions), replay"},

    Metric{Id::renditions, "headgate_renditions", kGauge, "state",
           "Renditions of live streams: running, paused (the machine cannot), idle (nobody asks), ended"},
    Metric{Id::rungs, "headgate_rungs", kGauge, "state",
           "Those that are encoded because viewers ask: running, paused"},
    Metric{Id::rung_pixels, "headgate_rung_pixels_per_second", kGauge, "", "What these cost"},
    Metric{Id::rung_pixels_max, "headgate_rung_pixels_per_second_max", kGauge, "", "What they may cost"},
    Metric{Id::rungs_started, "headgate_rungs_started_total", kCounter, "",
           "Renditions that were begun because viewers asked"},
    Metric{Id::rungs_refused, "headgate_rung_requests_refused_total", kCounter, "",
           "Requests of viewers for a rendition for which there was no room"},
    Metric{Id::rungs_made_way, "headgate_rungs_made_way_total", kCounter, "",
           "Renditions that ended for another stream's"},
    Metric{Id::encoder_failures, "headgate_encoder_failures_total", kCounter, "worker",
           "Encoders of a ladder that failed"},

    Metric{Id::pipelines_good, "headgate_pipelines_good", kGauge, "",
           "Whether the pipeline descriptions in the folder are right; if not, those before are in use"},
    Metric{Id::keys_good, "headgate_keys_good", kGauge, "",
           "Whether the folder of keys is right; if not, tickets are held against those before"},
    Metric{Id::node_full, "headgate_node_full", kGauge, "measure",
           "Whether new stations are refused for this measure of capacity (docs/node.md)"},
    Metric{Id::quarantined, "headgate_quarantined_stations", kGauge, "state",
           "Stations in quarantine (docs/node.md): isolated, refused"},
    Metric{Id::process_alarm, "headgate_process_alarm", kGauge, "role",
           "Whether one of these processes ends again and again, and does not come up by itself"},
    Metric{Id::own_state, "headgate_own_pipeline_state", kGauge, "name, state",
           "Pipelines that the node runs by itself (docs/node.md): 1 for the state that it is in"},
    Metric{Id::own_restarts, "headgate_own_pipeline_restarts_total", kCounter, "name",
           "Its starts after a death, since the supervisor's start"},
    Metric{Id::own_cpu, "headgate_own_pipeline_cpu_seconds_total", kCounter, "name",
           "Processor time of its process"},
    Metric{Id::own_resident, "headgate_own_pipeline_resident_memory_bytes", kGauge, "name",
           "Resident memory of its process"},
    Metric{Id::own_next_start, "headgate_own_pipeline_next_start_time_seconds", kGauge, "name",
           "Unix time of its next start: of its schedule, or after a failure"},
    Metric{Id::clock_synchronised, "headgate_clock_synchronised", kGauge, "",
           "Whether something keeps the node's clock right"},
    Metric{Id::clock_error, "headgate_clock_estimated_error_seconds", kGauge, "",
           "How far off who keeps it right takes it to be"},
    Metric{Id::clock_max_error, "headgate_clock_max_error_seconds", kGauge, "", "How far off it is at most"},
    Metric{Id::clock_steps, "headgate_clock_steps_total", kCounter, "",
           "Times that the node's clock jumped, since the supervisor's start"},
    Metric{Id::events, "headgate_events_total", kCounter, "severity", "Events (docs/events.md)"},
    Metric{Id::webhooks_pending, "headgate_webhooks_pending", kGauge, "",
           "Events that no webhook has taken yet"},
    Metric{Id::webhooks_sent, "headgate_webhooks_sent_total", kCounter, "", "Events that were taken"},
    Metric{Id::webhooks_failed, "headgate_webhooks_failed_total", kCounter, "",
           "Attempts that were not answered, or with an error"},

    Metric{Id::station_live, "headgate_station_live", kGauge, "station",
           "Only with --metrics-per-stream, as the following: whether its stream is live"},
    Metric{Id::station_byte_rate, "headgate_station_received_bytes_per_second", kGauge, "station",
           "Received over the last seconds"},
    Metric{Id::station_frame_rate, "headgate_station_frames_per_second", kGauge, "station", "Pictures"},
    Metric{Id::station_lateness, "headgate_station_lateness_seconds", kGauge, "station",
           "How far its latest track is behind real time"},
    Metric{Id::station_gaps, "headgate_station_gaps", kGauge, "station", "Gaps in its archive"},
    Metric{Id::station_srt_rtt, "headgate_station_srt_round_trip_seconds", kGauge, "station",
           "Of SRT only, as the following: round trip to the publisher"},
    Metric{Id::station_srt_lost, "headgate_station_srt_lost_ratio", kGauge, "station",
           "Packets of the last 10 s that were missed at first, 0 to 1"},
    Metric{Id::station_srt_dropped, "headgate_station_srt_dropped_ratio", kGauge, "station",
           "Packets of the last 10 s that came too late or never, 0 to 1"},
    Metric{Id::station_srt_bandwidth, "headgate_station_srt_bandwidth_bytes_per_second", kGauge, "station",
           "What the path could carry, as libsrt estimates"},
};

constexpr bool in_order() {
  for (size_t at = 0; at < kTable.size(); ++at)
    if (static_cast<size_t>(kTable[at].id) != at) return false;
  return kTable.size() == static_cast<size_t>(Id::count_);
}
static_assert(in_order());

}  // namespace

std::span<const Metric> table() {
  return kTable;
}

const Metric& metric(Id id) {
  return kTable[static_cast<size_t>(id)];
}

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::counter:
      return "counter";
    case Kind::gauge:
      return "gauge";
    case Kind::histogram:
      break;
  }
  return "histogram";
}

std::string markdown() {
  std::string out = "| metric | type | labels | meaning |\n|---|---|---|---|\n";
  for (const Metric& one : kTable) {
    out += "| `" + std::string(one.name) + "` | " + name_of(one.kind) + " | ";
    out += one.labels[0] ? "`" + std::string(one.labels) + "`" : "";
    out += std::string(" | ") + one.help + " |\n";
  }
  return out;
}

}  // namespace headgate::metrics

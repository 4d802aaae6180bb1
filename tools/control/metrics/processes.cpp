// SPDX-License-Identifier: LGPL-2.1-or-later
// What each process uses, and what gate, workers and origin say of themselves.
#include <map>
#include <set>

#include "node.h"

namespace headgate::metrics {
namespace {

constexpr char kOwnPipeline[] = "pipeline";
constexpr std::array kRoles{"supervisor", "gate", "origin", "control"};

// Of a ticket::Refusal, as docs/tickets.md names them.
const char* reason_of(const std::string& code) {
  static const std::map<std::string, const char*> reasons{
      {"1400", "bad_request"}, {"1401", "unauthorized"}, {"1402", "overload"},  {"1403", "forbidden"},
      {"1405", "bad_mode"},    {"1406", "over_rate"},    {"1409", "in_use"},    {"1415", "codec"},
      {"1423", "locked"},      {"1503", "down"},         {"1507", "no_storage"}};
  const auto found = reasons.find(code);
  return found == reasons.end() ? "other" : found->second;
}

// Worker numbers by process id: NODE's processes do not have them.
std::map<int64_t, std::string> numbers_of(const Json& node) {
  std::map<int64_t, std::string> out;
  node.each("workers", [&](const Json& one) {
    const auto pid = one.at("pid").as_number(), number = one.at("worker").as_number();
    if (pid && number) out[static_cast<int64_t>(*pid)] = std::to_string(static_cast<int64_t>(*number));
  });
  return out;
}

void usage(Text& text, Text::Labels labels, const Json& used) {
  add_micros(text, Id::process_cpu, labels, used, "cpu_us");
  add_count(text, Id::process_resident, labels, used, "resident_bytes");
  add_count(text, Id::process_proportional, labels, used, "proportional_bytes");
  add_count(text, Id::process_open_fds, labels, used, "open_fds");
  add_count(text, Id::process_max_fds, labels, used, "max_fds");
  add_count(text, Id::process_threads, labels, used, "threads");
}

void refusals(Text& text, const char* transport, const Json& codes) {
  for (const std::string& code : codes.keys())
    add_count(text, Id::refused, {{"transport", transport}, {"code", code}, {"reason", reason_of(code)}},
              codes, code);
}

}  // namespace

void processes(Text& text, const Json& node) {
  const std::map<int64_t, std::string> numbers = numbers_of(node);
  std::set<std::string> running;
  node.each("processes", [&](const Json& one) {
    const std::string role = one.text("role");
    if (role.empty() || role == kOwnPipeline) return;  // these have names, and metrics of their own
    const Json& stats = one.at("stats");
    std::string number;
    if (role == "worker") {
      const auto found = numbers.find(static_cast<int64_t>(one.number("pid", 0)));
      const auto own = stats.at("id").as_number();
      if (own)
        number = std::to_string(static_cast<int64_t>(*own));
      else if (found != numbers.end())
        number = found->second;
      if (number.empty()) return;  // it has said nothing yet: no series to put it into
    }
    // After an upgrade the one of before may still be there, with its last connections.
    if (!running.insert(role + number).second) return;
    const std::initializer_list<std::pair<const char*, std::string_view>> labels{{"role", role},
                                                                                 {"worker", number}};
    text.add(Id::process_up, labels, int64_t{1});
    if (const auto since = unix_time_in(one, "since_utc")) text.add(Id::process_start_time, labels, *since);
    add_count(text, Id::process_restarts, labels, one, "restarts");
    usage(text, labels, stats.at("usage"));
    if (role == "gate") gate(text, stats);
    if (role == "worker") worker(text, number, stats);
    if (role == "origin") origin(text, stats);
    if (role == "control") control(text, stats);
  });
  for (const char* role : kRoles)
    if (!running.contains(role)) text.add(Id::process_up, {{"role", role}}, int64_t{0});
}

void gate(Text& text, const Json& stats) {
  const Json& srt = stats.at("srt");
  const Json& admitted = stats.at("by_protocol");
  for (const char* protocol : {"rtmp", "rtmps", "srt"})
    add_count(text, Id::admitted, {{"protocol", protocol}}, admitted, protocol);
  for (const char* claim : {"resume", "takeover"})
    add_count(text, Id::reconnects, {{"claim", claim}}, stats.at("claims"), claim);
  refusals(text, "rtmp", stats.at("refused"));
  refusals(text, "srt", srt.at("refused"));
  for (const char* reason :
       {"timed_out", "gone", "denied", "flooded", "over_network", "made_way", "over_handshakes"})
    add_count(text, Id::handshakes_failed, {{"transport", "rtmp"}, {"reason", reason}}, stats, reason);
  add_count(text, Id::handshakes_failed, {{"transport", "srt"}, {"reason", "gone"}}, srt, "gone");
  add_count(text, Id::gate_accepted, {}, stats, "accepted");
  add_count(text, Id::gate_accept_errors, {}, stats, "accept_errors");
  add_count(text, Id::gate_connections, {{"state", "unauthenticated"}}, stats, "unauthenticated");
  add_count(text, Id::gate_connections, {{"state", "tls_handshake"}}, stats, "handshakes");
  add_count(text, Id::gate_connections, {{"state", "tls_waiting"}}, stats, "handshakes_waiting");
  add_count(text, Id::gate_connections, {{"state", "tls_relayed"}}, stats, "relayed");
  add_count(text, Id::gate_connections, {{"state", "srt_pending"}}, srt, "pending");
  add_count(text, Id::gate_connections, {{"state", "srt_relayed"}}, srt, "links");
  add_truth(text, Id::gate_draining, {}, stats, "draining");
  add_count(text, Id::srt_checks, {}, srt, "asked");
  add_micros(text, Id::srt_check_time, {}, srt, "check_us");
  if (const auto expires = unix_time_in(stats, "certificate_expires_utc"))
    text.add(Id::certificate_expiry, {}, static_cast<int64_t>(*expires));
}

void worker(Text& text, const std::string& number, const Json& stats) {
  const std::pair<const char*, std::string_view> own{"worker", number};
  const auto count = [&](Id id, const Json& parent, std::string_view key) {
    add_count(text, id, {own}, parent, key);
  };
  add_truth(text, Id::worker_accepting, {own}, stats, "accepting");
  count(Id::worker_sessions, stats, "sessions");
  count(Id::worker_capacity, stats, "capacity");
  count(Id::worker_opened, stats, "opened");
  count(Id::worker_failed, stats, "failed");
  const Json& counts = stats.at("counts");
  count(Id::received_bytes, counts, "received_bytes");
  add_count(text, Id::received_frames, {own, {"kind", "video"}}, counts, "video_frames");
  add_count(text, Id::received_frames, {own, {"kind", "audio"}}, counts, "audio_frames");
  count(Id::timestamp_repairs, counts, "repairs");
  count(Id::stalls, counts, "stalls");
  count(Id::lates, counts, "lates");
  count(Id::jumps, counts, "jumps");
  count(Id::backward, counts, "backward");
  count(Id::drifts, counts, "drifts");
  count(Id::gaps, counts, "gaps");
  count(Id::encoder_failures, counts, "rungs_failed");
  const Json& srt = counts.at("srt");
  count(Id::srt_received, srt, "received_packets");
  count(Id::srt_retransmitted, srt, "retransmitted_packets");
  count(Id::srt_lost, srt, "lost_packets");
  count(Id::srt_dropped, srt, "dropped_packets");
  const Json& archive = counts.at("archive");
  count(Id::archive_bytes, archive, "bytes");
  count(Id::derived_bytes, archive, "derived_bytes");
  count(Id::archive_parts, archive, "parts");
  count(Id::archive_segments, archive, "segments");
  add_count(text, Id::archive_write_errors, {own, {"reason", "full"}}, archive, "lost_full");
  add_count(text, Id::archive_write_errors, {own, {"reason", "io"}}, archive, "lost_io");
  if (const auto commits = histogram_in(archive, "commits")) text.add(Id::commit_duration, {own}, *commits);
  add_micros(text, Id::commit_lag, {own}, archive, "commit_lag_us");
  count(Id::runs_open, archive, "runs");
}

void origin(Text& text, const Json& stats) {
  const Json& classes = stats.at("requests");
  for (const char* name : {"playlist", "segment", "part", "page", "api", "other"}) {
    const Json& one = classes.at(name);
    const std::pair<const char*, std::string_view> of_class{"class", name};
    for (const char* status : {"1xx", "2xx", "3xx", "4xx", "5xx"})
      add_count(text, Id::http_requests, {of_class, {"status", status}}, one, status);
    add_count(text, Id::http_sent, {of_class}, one, "sent_bytes");
    add_count(text, Id::http_waits, {of_class}, one, "waited");
    if (const auto durations = histogram_in(one, "durations"))
      text.add(Id::http_duration, {of_class}, *durations);
  }
  add_count(text, Id::http_waiting, {}, stats, "waiting");
  add_count(text, Id::http_connections, {}, stats, "connections");
  for (const char* reason : {"made_way", "over_address", "overdue"})
    add_count(text, Id::http_closed, {{"reason", reason}}, stats.at("closed"), reason);
  add_count(text, Id::viewers, {}, stats, "viewers");
  add_count(text, Id::index_segments, {{"kind", "live"}}, stats, "live_segments");
  add_count(text, Id::index_segments, {{"kind", "replay"}}, stats, "replay_segments");
}

// All webhooks together: their addresses are nobody's but the operator's.
void control(Text& text, const Json& stats) {
  if (!has_list(stats, "webhooks")) return;
  int64_t waiting = 0, delivered = 0, failed = 0;
  stats.each("webhooks", [&](const Json& one) {
    waiting += static_cast<int64_t>(one.number("waiting", 0));
    delivered += static_cast<int64_t>(one.number("delivered", 0));
    failed += static_cast<int64_t>(one.number("failed", 0));
  });
  text.add(Id::webhooks_pending, {}, waiting);
  text.add(Id::webhooks_sent, {}, delivered);
  text.add(Id::webhooks_failed, {}, failed);
}

}  // namespace headgate::metrics

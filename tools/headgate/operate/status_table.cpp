// SPDX-License-Identifier: LGPL-2.1-or-later
#include "status_table.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "instances_table.h"
#include "table.h"

namespace headgate::cli {
namespace {

constexpr size_t kNamedStations = 20;
constexpr int64_t kStepToldUs = 3600 * int64_t{1'000'000};

std::string known(const std::string& text) {
  return text.empty() ? "-" : text;
}

// A step is told for an hour, by the clock as it is now.
void add_clock_notices(const Json& clock, int64_t now_utc_us, std::vector<std::string>& out) {
  if (clock.has("synchronised") && !clock.truth("synchronised"))
    out.emplace_back("nothing keeps the machine's clock right: tickets and the archive go by it");
  const int64_t stepped = utc_us_of(clock.text("last_step_utc"));
  if (stepped == 0 || std::abs(now_utc_us - stepped) > kStepToldUs) return;
  out.push_back("the machine's clock was stepped by " +
                number_text(clock.number("last_step_ms") / 1000, "%+.1f") + " s at " +
                printable(clock.text("last_step_utc")));
}

// Who is needed and not there: what runs goes on without, for a while.
void add_absence_notices(const Json& node, std::vector<std::string>& out) {
  if (!node.has("processes")) return;
  bool supervisor = false, gate = false;
  node.each("processes", [&](const Json& one) {
    supervisor = supervisor || one.text("role") == "supervisor";
    gate = gate || (one.text("role") == "gate" && !one.truth("retiring"));
  });
  if (!supervisor)
    out.emplace_back("the supervisor is away: what runs goes on, but nothing that dies is started again");
  else if (!gate)
    out.emplace_back("the gate is away: nobody can begin to publish until it is started again");
}

void add_operator_notices(const Json& node, std::vector<std::string>& out) {
  if (const Json& draining = node.at("draining"); draining.is_object())
    out.push_back("DRAINING since " + printable(draining.text("since_utc", "-")) +
                  ": no new publishers are taken; `headgate drain --off` ends it");
  const Json& upgrade = node.at("upgrade");
  const std::string state = upgrade.text("state");
  if (state == "checking" || state == "running")
    out.push_back("an upgrade is under way since " + printable(upgrade.text("since_utc", "-")));
  if (state == "refused" || state == "failed")
    out.push_back("the upgrade of " + printable(upgrade.text("since_utc", "-")) +
                  (state == "refused" ? " was refused: " : " failed: ") +
                  printable(upgrade.text("reason", "-")));
}

// Who shares one worker with nobody else until it is known whose input takes too much.
std::string apart_notice(const Json& group) {
  const auto& stations = group.at("stations").items();
  const size_t named = std::min(stations.size(), kNamedStations);
  const bool alone = group.integer("count") == 1;
  std::string out = alone ? "station" : "stations";
  for (size_t i = 0; i < named; ++i) out += (i > 0 ? ", " : " ") + printable(stations[i].token());
  if (const int64_t more = group.integer("count") - static_cast<int64_t>(named); more > 0)
    out += " and " + std::to_string(more) + " more";
  return out + (alone ? " is" : " are") + " set apart on worker " + number_text(group.number("worker")) +
         ": " + number_text(group.number("deaths")) + " workers that " + (alone ? "it was" : "they were") +
         " on took too much; for " + number_text(group.number("at_most_s")) + " s more at most";
}

std::string workers_table(const Json& node) {
  Table table({{"WORKER", true}, {"PID", true}, {"SESSIONS", true}, {"STATE"}});
  node.each("workers", [&](const Json& worker) {
    table.row({number_text(worker.number("worker")), number_text(worker.number("pid")),
               number_text(worker.number("sessions")) + "/" + number_text(worker.number("capacity")),
               !worker.truth("accepting")        ? worker.text("reason", "-")
               : node.at("draining").is_object() ? "the node is drained"
                                                 : "accepting"});
  });
  // Who cannot be talked to is not among them, and has no sessions only as far as anybody knows.
  node.each("processes", [&](const Json& one) {
    if (one.text("role") == "worker" && one.has("protocol"))
      table.row({"-", number_text(one.number("pid")), "?",
                 "of another version (protocol " + printable(one.text("protocol")) +
                     "): its sessions go on, and are not known"});
  });
  return table.text();
}

}  // namespace

std::vector<std::string> node_notices(const Json& node, int64_t now_utc_us) {
  std::vector<std::string> out;
  if (node.truth("issuer_secret"))
    out.emplace_back("an issuer's secret key lies on this node: give it only the node/ of the keys' folder");
  if (const std::string problem = node.at("keys").text("problem"); !problem.empty())
    out.push_back("the folder of keys is wrong, those before stay in use: " + printable(problem));
  add_absence_notices(node, out);
  add_operator_notices(node, out);
  const Json &recovery = node.at("recovery"), pipelines = node.at("pipelines");
  if (recovery.text("state") == "running")
    out.push_back("the archive is being recovered: " + number_text(recovery.number("stations")) + " of " +
                  number_text(recovery.number("of")) + " stations");
  if (recovery.text("state") == "failed")
    out.emplace_back(
        "the archive's recovery failed, or found damage: see the log, or run `headgate archive recover`");
  if (pipelines.text("state") == "refused")
    out.push_back("the pipeline descriptions were refused, those before stay in use: " +
                  printable(pipelines.text("reason")));
  const std::string space = node.at("space").text("state");
  if (space == "low") out.emplace_back("the archive's volume is nearly full");
  if (space == "full") out.emplace_back("the archive's volume is full: nothing more can be recorded");
  add_clock_notices(node.at("clock"), now_utc_us, out);
  if (const std::string full = node.at("capacity").text("full"); !full.empty())
    out.push_back("no new stations are taken: " + printable(full));
  node.each("quarantine", [&](const Json& one) {
    out.push_back("station " + number_text(one.number("station")) + " is " + printable(one.text("state")) +
                  ": what it sent has ended " + number_text(one.number("deaths")) + " workers; " +
                  (one.text("state") == "refused"
                       ? "for " + number_text(one.number("refused_for_s")) + " s more"
                       : "worker " + number_text(one.number("worker")) + " is its own"));
  });
  node.each("apart", [&](const Json& group) { out.push_back(apart_notice(group)); });
  node.each("alarms", [&](const Json& one) {
    out.push_back(printable(one.text("process")) + " ends again and again: see the log");
  });
  for (std::string& notice : instance_notices(node, now_utc_us)) out.push_back(std::move(notice));
  return out;
}

std::string streams_table(const std::vector<StreamRow>& rows) {
  Table table({{"STATION", true},
               {"STATE"},
               {"SINCE", true},
               {"KBIT/S", true},
               {"FPS", true},
               {"SIZE", true},
               {"LATE", true},
               {"GAPS", true},
               {"SESSIONS", true},
               {"ARCHIVED", true},
               {"HEALTH"},
               {"PEER"}});
  for (const StreamRow& row : rows)
    table.row({std::to_string(row.station), row.state, short_duration(row.since_s), number_text(row.kbps),
               number_text(row.fps, "%.2f"), row.size(), number_text(row.late_s, "%.1f"),
               number_text(row.gaps), number_text(row.sessions), clock_text(row.archived_s),
               known(row.health), known(row.peer)});
  return table.text();
}

std::string status_table(const Json& node, int64_t now_utc_us) {
  std::string out = "node " + printable(node.text("version", "-")) + ", since " +
                    printable(node.text("since_utc", "-")) + "\n";
  for (const std::string& notice : node_notices(node, now_utc_us)) out += notice + "\n";
  return out + workers_table(node) + instances_table(node, now_utc_us) +
         streams_table(stream_rows(node, now_utc_us));
}

}  // namespace headgate::cli

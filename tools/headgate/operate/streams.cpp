// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate streams, headgate sessions: a node's lists, sorted and filtered.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "../commands.h"
#include "json_words.h"
#include "node_client.h"
#include "status_table.h"
#include "table.h"

namespace headgate::cli {
namespace {

constexpr int64_t kMostNumber = UINT32_MAX;

// Stations that were named; none: all.
Result<std::set<int64_t>> stations_of(const std::vector<std::string>& words) {
  std::set<int64_t> out;
  for (const std::string& word : words) {
    char* end = nullptr;
    const long long number = std::strtoll(word.c_str(), &end, 10);
    if (word.empty() || *end != 0 || number < 0 || number > kMostNumber)
      return Unexpected("'" + word + "' is not a station's number");
    out.insert(number);
  }
  return out;
}

// {"now_utc"?, LIST: […]} of the members of the list that `wanted` names by their number, as they came.
void print_json(const Json& node, const char* list, const char* key, const std::set<std::string>& wanted) {
  std::string out = std::string("{\"") + list + "\":[";
  bool first = true;
  node.each(list, [&](const Json& one) {
    if (wanted.count(scalar_text(one.at(key))) == 0) return;
    out += (first ? "" : ",") + one.json();
    first = false;
  });
  std::puts((out + "]}").c_str());
}

struct StreamWish {
  std::string state;
  bool alarms = false;
  bool takes(const StreamRow& row) const {
    return (state.empty() || row.state == state) && (!alarms || row.alarm != Alarm::none);
  }
};

Result<void> sort_by(const std::string& column, std::vector<StreamRow>& rows) {
  auto by = [&](auto value) {
    std::stable_sort(rows.begin(), rows.end(), [&](const StreamRow& a, const StreamRow& b) {
      const double left = value(a), right = value(b);
      return std::isnan(right) ? !std::isnan(left) : left > right;  // the most first, the unknown last
    });
  };
  if (column == "station") {
    std::stable_sort(rows.begin(), rows.end(), [](auto& a, auto& b) { return a.station < b.station; });
  } else if (column == "kbps") {
    by([](const StreamRow& row) { return row.kbps; });
  } else if (column == "late") {
    by([](const StreamRow& row) { return row.late_s; });
  } else if (column == "gaps") {
    by([](const StreamRow& row) { return row.gaps; });
  } else if (column == "sessions") {
    by([](const StreamRow& row) { return row.sessions; });
  } else if (column == "alarm") {
    by([](const StreamRow& row) { return static_cast<double>(row.alarm); });
  } else if (column == "since") {
    by([](const StreamRow& row) { return -row.since_s; });
  } else {
    return Unexpected("--sort takes station, alarm, kbps, late, gaps, sessions or since, not '" + column +
                      "'");
  }
  return {};
}

}  // namespace

int run_streams(int argc, char** argv) {
  NodePlace place;
  StreamWish wish;
  std::string sort = "station";
  bool json = false;
  tools::Options options(
      "STATION…", "Lists the streams of a node, or those of some stations.",
      "LATE is in seconds: how far the publisher's connection is behind. HEALTH says what is wrong\n"
      "(docs/operating.md); 'away': the publisher left without an end, and is waited for.\n\n"
      "Examples:\n"
      "  headgate streams --alarms             what needs somebody now\n"
      "  headgate streams --sort late          the worst uplinks first\n"
      "  headgate streams 421 --json           all that is known of a station\n\n"
      "Exit code 1: no node answers, or a station that was named is not known to it.");
  place.add_to(options);
  options.text("state", wish.state, "STATE", "only those that are live, waiting or ended")
      .flag("alarms", wish.alarms, "only those with an alarm")
      .text("sort", sort, "COLUMN", "station, alarm, kbps, late, gaps, sessions, since (default: station)")
      .flag("json", json, "print them as the API has them");
  auto rest = options.parse(argc, argv);
  if (!rest) return complain(2, argv[0], rest.error().message);
  auto stations = stations_of(*rest);
  if (!stations) return complain(2, argv[0], stations.error().message);
  if (!wish.state.empty() && wish.state != "live" && wish.state != "waiting" && wish.state != "ended")
    return complain(2, argv[0], "--state takes live, waiting or ended, not '" + wish.state + "'");
  std::vector<StreamRow> none;
  if (auto known = sort_by(sort, none); !known) return complain(2, argv[0], known.error().message);

  auto node = NodeClient(place.socket()).node();
  if (!node) return complain(1, argv[0], node.error().message);
  std::vector<StreamRow> rows;
  std::set<int64_t> missing = *stations;
  for (StreamRow& row : stream_rows(*node, now_utc_us())) {
    missing.erase(row.station);
    if ((stations->empty() || stations->count(row.station) > 0) && wish.takes(row))
      rows.push_back(std::move(row));
  }
  if (auto sorted = sort_by(sort, rows); !sorted) return complain(2, argv[0], sorted.error().message);
  if (json) {
    std::set<std::string> wanted;
    for (const StreamRow& row : rows) wanted.insert(std::to_string(row.station));
    print_json(*node, "streams", "station", wanted);
  } else {
    std::fputs(streams_table(rows).c_str(), stdout);
  }
  if (missing.empty()) return 0;
  return complain(1, argv[0], "this node has never seen station " + std::to_string(*missing.begin()));
}

int run_sessions(int argc, char** argv) {
  NodePlace place;
  int64_t worker = -1;
  bool json = false;
  tools::Options options("STATION…",
                         "Lists the publishers' connections to a node, or those of some stations.",
                         "Examples:\n"
                         "  headgate sessions --worker 3          who would go with this worker\n"
                         "  headgate sessions 421                 its session's id, for `headgate kick`\n\n"
                         "Exit code 1: no node answers.");
  place.add_to(options);
  options.number("worker", worker, 0, kMostNumber, "N", "only those that worker N carries")
      .flag("json", json, "print them as the API has them");
  auto rest = options.parse(argc, argv);
  if (!rest) return complain(2, argv[0], rest.error().message);
  auto stations = stations_of(*rest);
  if (!stations) return complain(2, argv[0], stations.error().message);
  auto node = NodeClient(place.socket()).node();
  if (!node) return complain(1, argv[0], node.error().message);
  std::set<std::string> wanted;
  Table table({{"SESSION", true},
               {"STATION", true},
               {"WORKER", true},
               {"SINCE", true},
               {"KBIT/S", true},
               {"RECEIVED", true},
               {"PROTOCOL"},
               {"PEER"},
               {"CLIENT"}});
  for (const SessionRow& row : session_rows(*node, now_utc_us())) {
    if (!stations->empty() && stations->count(row.station) == 0) continue;
    if (worker >= 0 && row.worker != worker) continue;
    wanted.insert(row.session);
    table.row({row.session, std::to_string(row.station), std::to_string(row.worker),
               short_duration(row.since_s), number_text(row.kbps), bytes_text(row.received_bytes),
               row.protocol, row.peer, row.user_agent});
  }
  if (json)
    print_json(*node, "sessions", "session", wanted);
  else
    std::fputs(table.text().c_str(), stdout);
  return 0;
}

}  // namespace headgate::cli

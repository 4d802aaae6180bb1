// SPDX-License-Identifier: LGPL-2.1-or-later
// `headgate archive list` and `show`: reading only.
#include <common/options.h>

#include <charconv>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <optional>

#include <base/json_line.h>
#include <store/reader.h>

#include "archive.h"
#include "commands.h"

namespace headgate::cli {
namespace {

constexpr int64_t kMost = UINT32_MAX;

struct RunPlace {
  std::string root;
  uint32_t event = 0, station = 0;
  std::string run;
};

struct RunSummary {
  std::string state;  // its end's reason, "live", or "open"
  uint64_t segments = 0, bytes = 0, gaps = 0;
  int64_t ms = 0, since_utc_us = 0;
};

std::string utc_text(int64_t utc_us) {
  auto seconds = static_cast<std::time_t>(utc_us / 1'000'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::string seconds(int64_t ticks) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(ticks) / playlist::kTimescale);
  return text;
}

Result<RunSummary> summarize(const RunPlace& place) {
  auto run = store::read_run(place.root, place.event, place.station, place.run);
  if (!run) return Unexpected(run.error());
  RunSummary summary;
  summary.state = run->writing ? "live" : "open";
  for (const playlist::Record& record : run->records) {
    if (auto* start = std::get_if<playlist::RunRecord>(&record)) summary.since_utc_us = start->utc_us;
    if (auto* segment = std::get_if<playlist::SegmentRecord>(&record)) {
      ++summary.segments;
      summary.bytes += segment->length;
      summary.ms += segment->duration * 1000 / playlist::kTimescale;
    }
    if (std::holds_alternative<playlist::GapRecord>(record)) ++summary.gaps;
    if (auto* end = std::get_if<playlist::EndRecord>(&record)) summary.state = end->reason;
  }
  return summary;
}

void print_row(const RunPlace& place, const RunSummary& summary, bool json) {
  if (json) {
    JsonLine line;
    line.field("event", place.event)
        .field("station", place.station)
        .field("run", place.run)
        .field("state", summary.state)
        .field("since", utc_text(summary.since_utc_us))
        .field("ms", summary.ms)
        .field("segments", summary.segments)
        .field("gaps", summary.gaps)
        .field("bytes", summary.bytes);
    std::puts(line.take().c_str());
    return;
  }
  std::printf("%8u %8u  %-32s %-12s %10.1f %8llu %5llu %12llu\n", place.event, place.station,
              place.run.c_str(), summary.state.c_str(), static_cast<double>(summary.ms) / 1000,
              static_cast<unsigned long long>(summary.segments),
              static_cast<unsigned long long>(summary.gaps), static_cast<unsigned long long>(summary.bytes));
}

std::optional<uint32_t> number(const std::string& text) {
  uint32_t value = 0;
  auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// …/lta/<event>/st/<xx>/<station>/<run>
std::optional<RunPlace> place_of(const std::string& path) {
  std::error_code error;
  std::filesystem::path at = std::filesystem::canonical(path, error);
  if (error) return std::nullopt;
  std::filesystem::path station = at.parent_path();
  std::filesystem::path st = station.parent_path().parent_path();
  std::filesystem::path event = st.parent_path();
  auto event_number = number(event.filename().string());
  auto station_number = number(station.filename().string());
  if (!event_number || !station_number || st.filename() != "st" || event.parent_path().filename() != "lta")
    return std::nullopt;
  return RunPlace{event.parent_path().parent_path().string(), *event_number, *station_number,
                  at.filename().string()};
}

void print(const playlist::RunRecord& run) {
  std::printf("run      %s from %s, segments from %llu, discontinuity sequence %llu\n", run.run.c_str(),
              utc_text(run.utc_us).c_str(), static_cast<unsigned long long>(run.first_msn),
              static_cast<unsigned long long>(run.discontinuity_sequence));
}
void print(const playlist::InitRecord& init) {
  std::printf("file     %s %s %ux%u, %u audio channels\n", init.file.c_str(), init.codecs.c_str(), init.width,
              init.height, init.channels);
}
void print(const playlist::PartRecord&) {}
void print(const playlist::SegmentRecord& segment) {
  std::printf("segment  %-8llu %12s s %8s s  bytes %llu+%llu  %s%s\n",
              static_cast<unsigned long long>(segment.msn), seconds(segment.pts).c_str(),
              seconds(segment.duration).c_str(), static_cast<unsigned long long>(segment.offset),
              static_cast<unsigned long long>(segment.length), utc_text(segment.utc_us).c_str(),
              segment.discontinuity ? "  discontinuity" : "");
}
void print(const playlist::GapRecord& gap) {
  std::printf("gap      %s %s s from %s\n", gap.reason.c_str(), seconds(gap.to_pts - gap.from_pts).c_str(),
              utc_text(gap.from_utc_us).c_str());
}
void print(const playlist::EndRecord& end) {
  std::printf("end      %s\n", end.reason.c_str());
}
void print(const playlist::RenditionRecord&) {}  // never in an archive

}  // namespace

std::string archive_above(const std::string& folder) {
  std::error_code error;
  for (std::filesystem::path at = std::filesystem::canonical(folder, error); at != at.root_path();
       at = at.parent_path())
    if (at.filename() == "lta" && !store::list_events(at.parent_path().string()).empty())
      return "; it is a part of the archive " + at.parent_path().string();
  return "";
}

int run_archive_list(int argc, char** argv) {
  const char* program = argv[0];
  int64_t only_event = -1, only_station = -1;
  bool json = false;
  tools::Options options(
      "DIR", "Lists the runs under DIR/lta, station by station.",
      "STATE is why a run ended, 'live' while it is written, 'open' when its writer died and\n"
      "nobody has recovered it.");
  options.number("event", only_event, 0, kMost, "N", "this event only")
      .number("station", only_station, 0, kMost, "N", "this station only")
      .flag("json", json, "print one JSON object for each run");
  auto left = options.parse(argc, argv);
  if (!left) return complain(2, program, left.error().message);
  if (left->size() != 1) return complain(2, program, "give one DIR");
  const std::string& root = left->front();
  if (!std::filesystem::is_directory(root + "/lta"))
    return complain(1, program, root + ": there is no archive here (no directory lta)" + archive_above(root));
  if (!json)
    std::printf("%8s %8s  %-32s %-12s %10s %8s %5s %12s\n", "EVENT", "STATION", "RUN", "STATE", "SECONDS",
                "SEGMENTS", "GAPS", "BYTES");
  int code = 0;
  for (uint32_t event : store::list_events(root)) {
    if (only_event >= 0 && event != only_event) continue;
    for (uint32_t station : store::list_stations(root, event)) {
      if (only_station >= 0 && station != only_station) continue;
      for (const std::string& run : store::list_runs(root, event, station)) {
        RunPlace place{root, event, station, run};
        auto summary = summarize(place);
        if (summary) print_row(place, *summary, json);
        if (!summary) code = complain(1, program, summary.error().message);
      }
    }
  }
  return code;
}

// Of a name as `list` prints it, or of a run's directory.
Result<RunPlace> find_run(const std::vector<std::string>& arguments) {
  const std::string& first = arguments.front();
  if (arguments.size() == 1) {
    if (auto place = place_of(first)) return *place;
    return Unexpected(first +
                      ": not a run's directory (…/lta/EVENT/st/XX/STATION/RUN); give an archive's folder "
                      "and a RUN of 'headgate archive list'");
  }
  std::optional<RunPlace> found;
  for (uint32_t event : store::list_events(first))
    for (uint32_t station : store::list_stations(first, event))
      for (const std::string& run : store::list_runs(first, event, station)) {
        if (run != arguments[1]) continue;
        if (found) return Unexpected(run + ": two stations have a run of this name; give its directory");
        found = RunPlace{first, event, station, run};
      }
  if (found) return *found;
  return Unexpected(first + ": there is no run " + arguments[1] + "; 'headgate archive list " + first +
                    "' lists those that there are" + archive_above(first));
}

int run_archive_show(int argc, char** argv) {
  const char* program = argv[0];
  tools::Options options(
      "DIR RUN | RUN-DIRECTORY",
      "Tells what one run holds: files, segments, gaps. RUN is its name in 'headgate archive list DIR'.");
  auto left = options.parse(argc, argv);
  if (!left) return complain(2, program, left.error().message);
  if (left->empty() || left->size() > 2)
    return complain(2, program, "give an archive's DIR and a RUN, or one RUN-DIRECTORY");
  auto place = find_run(*left);
  if (!place) return complain(1, program, place.error().message);
  auto run = store::read_run(place->root, place->event, place->station, place->run);
  if (!run) return complain(1, program, run.error().message);
  for (const playlist::Record& record : run->records)
    std::visit([](const auto& known) { print(known); }, record);
  if (run->writing) std::puts("live     being written");
  if (!run->writing && !run->ended) std::puts("open     its writer died; 'headgate archive recover' ends it");
  return 0;
}

}  // namespace headgate::cli

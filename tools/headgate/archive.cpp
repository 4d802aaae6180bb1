// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive.h"

#include <common/options.h>

#include <cinttypes>
#include <cstdio>
#include <filesystem>

#include <base/clock.h>
#include <base/json_line.h>
#include <store/derived.h>
#include <store/reader.h>

#include "commands.h"

namespace headgate::cli {
namespace {

constexpr int64_t kProgressUs = 1'000'000;

void print_json(const store::RecoverySummary& summary) {
  std::string problems = "[";
  for (const std::string& problem : summary.problems)
    problems += (problems.size() > 1 ? "," : "") + JsonLine::quoted(problem);
  JsonLine line;
  line.field("recovered", summary.recovered)
      .field("live", summary.live)
      .field("torn_bytes", summary.torn_bytes)
      .field("unattested_bytes", summary.unattested_bytes)
      .field("missing_bytes", summary.missing_bytes)
      .raw("problems", problems + "]");
  std::puts(line.take().c_str());
}

void tell_progress(size_t stations, size_t of) {
  std::printf("%zu %zu\n", stations, of);
  std::fflush(stdout);
}

}  // namespace

int run_archive_recover(int argc, char** argv) {
  const char* program = argv[0];
  std::string node = "n01";
  bool json = false, progress = false;
  tools::Options options(
      "DIR - end the runs under DIR/lta whose writer died", "",
      "Records what lies beyond the last line, keeps a torn line beside the chain, ends the run with reason "
      "crash.\nNothing of it is deleted, runs that are being written are left alone, and doing it twice "
      "changes nothing.\nRemoves of DIR/derived (renditions of a ladder) what is not to be kept any longer."
      "\nExit code: 0 all is well, 1 something is damaged or missing (it says what), 2 wrong usage.");
  options.text("node", node, "NAME", "name for the records (default n01)")
      .flag("json", json, "print one JSON object")
      .flag("progress", progress, "print the stations done and all, at once and then at most once a second");
  auto rest = options.parse(argc, argv);
  if (!rest) return complain(2, program, rest.error().message);
  if (rest->size() != 1) return complain(2, program, "one DIR is needed: the folder that holds lta/");
  // Without lta/ nothing was recorded yet, and nothing is to be done.
  if (!std::filesystem::is_directory(rest->front()))
    return complain(1, program, rest->front() + ": there is no such folder");
  if (!std::filesystem::is_directory(rest->front() + "/lta"))
    if (const std::string above = archive_above(rest->front()); !above.empty())
      return complain(1, program, rest->front() + ": there is no archive here" + above);
  // Who watches it knows that it has begun, and waits for a lock or a disk from now on.
  if (progress && std::filesystem::is_directory(rest->front() + "/lta")) tell_progress(0, 0);
  int64_t told_us = 0;
  const store::RecoverySummary summary =
      store::recover(rest->front(), node, [&](const store::RecoverySummary&, size_t stations, size_t of) {
        int64_t now_us = system_clock().mono_us();
        if (!progress || now_us - told_us < kProgressUs) return;
        told_us = now_us;
        tell_progress(stations, of);
      });
  store::remove_old_renditions(rest->front(), system_clock().utc_us());
  if (json) {
    print_json(summary);
  } else {
    std::printf("%d recovered, %d being written; bytes: %" PRIu64 " unattested, %" PRIu64 " missing, %" PRIu64
                " of torn lines\n",
                summary.recovered, summary.live, summary.unattested_bytes, summary.missing_bytes,
                summary.torn_bytes);
    for (const std::string& problem : summary.problems) std::fprintf(stderr, "%s\n", problem.c_str());
  }
  return summary.problems.empty() ? 0 : 1;
}

int run_archive(int argc, char** argv) {
  static constexpr Command kCommands[] = {
      {"list", "list an archive's runs", run_archive_list},
      {"show", "tell what a run holds", run_archive_show},
      {"recover", "end the runs whose writer died", run_archive_recover},
      {nullptr, nullptr, nullptr},
  };
  return run_command("headgate archive", "What a node has recorded, and what a crash has left.", kCommands,
                     argc, argv);
}

}  // namespace headgate::cli

// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading an archive: runs of a station as the records a live listener would have seen, and recovery after a
// crash.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <base/result.h>
#include <playlist/record.h>

namespace headgate::store {

// Events that have an archive under `root`, ascending.
std::vector<uint32_t> list_events(const std::string& root);
// Station directories of an event, ascending.
std::vector<uint32_t> list_stations(const std::string& root, uint32_t event);
// Run names of a station in the order they were opened.
std::vector<std::string> list_runs(const std::string& root, uint32_t event, uint32_t station);

// A run's records, from run.jl and, beyond its last line, from the complete chunks at the end of its file
// (bytes that the writer had not recorded yet). A damaged line is passed over, and its media told from the
// file. Works on a run that is being written, and on one that has no line yet.
struct RunRecords {
  std::vector<playlist::Record> records;
  bool ended = false;    // has an `end` record
  bool writing = false;  // by a living process
};
Result<RunRecords> read_run(const std::string& root, uint32_t event, uint32_t station,
                            const std::string& run);

// Recovery at start (docs/archive.md): every run under `root` that has no `end` and no living writer.
struct RecoverySummary {
  int runs = 0;       // looked at
  int recovered = 0;  // ended with reason crash
  int live = 0;       // left alone: being written, or recovered by another process
  uint64_t torn_bytes = 0, unattested_bytes = 0, missing_bytes = 0;
  std::vector<std::string> problems;  // sentences for a person
};
// `progress`, if there is one, is called after each station.
using RecoveryProgress = std::function<void(const RecoverySummary& so_far, size_t stations, size_t of)>;
RecoverySummary recover(const std::string& root, const std::string& node,
                        const RecoveryProgress& progress = {});
Result<void> recover_run(const std::string& run_directory, const std::string& node, RecoverySummary& summary);

}  // namespace headgate::store

// SPDX-License-Identifier: LGPL-2.1-or-later
// The archive as the origin reads it, in two threads: what a playlist needs now, which is little however long
// a station has been streaming, and what takes as long as its history.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <playlist/rendition_index.h>
#include <playlist/stream_index.h>

#include "disk.h"
#include "totals.h"

namespace headgate::origin {

// Runs that a window is put together from, at most: a publisher that reconnects all the time.
inline constexpr size_t kMaxWindowRuns = 64;
// Read beyond the window, so that a playlist of at least three target durations is full.
inline constexpr int64_t kWindowSpareMs = 60'000;

// What of a station's archive a window leaves out.
struct Unread {
  std::vector<std::string> runs;  // all of it; oldest first
  std::string partial;            // the run behind those; empty: none
  uint64_t until = 0;             // of its run.jl, bytes before this
  bool empty() const { return runs.empty() && partial.empty(); }
};

using Renditions = std::map<std::string, playlist::RenditionIndex>;  // derived ones, by name

// A stream's newest records, as far as the disk has them.
struct Window {
  playlist::StreamIndex index;
  Totals totals;
  Unread unread;
  Renditions renditions;
};

// Of a station's last minute or more, oldest first, each with what it is of: the source (""), or its fill.
using NewestRecords = std::vector<std::pair<std::string, playlist::Record>>;

// Of a derived volume: of a stream's own segments those that are fill (store/fill.h).
bool is_derived(const std::string& file);

class Archive {
 public:
  Archive(Loop& loop, std::string root, uint32_t event);

  // All call `done` in the loop's thread. Urgent ones (a viewer waits) go before the others.
  void list_stations(std::function<void(std::vector<uint32_t>)> done);
  // As much as the settings hold.
  void load_window(uint32_t station, const playlist::IndexSettings& settings, bool urgent,
                   std::function<void(Window)> done);
  // For an index that has most of it already: urgent.
  void load_newest(uint32_t station, std::function<void(NewestRecords)> done);
  // All of it: time and memory grow with the history. Run by run, in turn with others.
  void load_all(uint32_t station, std::function<void(playlist::StreamIndex, Renditions)> done);
  // What `unread` adds up to; goes behind everything that a viewer waits for.
  void sum(uint32_t station, Unread unread, std::function<void(Totals::Before)> done);

 private:
  std::string root_;
  uint32_t event_;
  Disk windows_, history_;
};

}  // namespace headgate::origin

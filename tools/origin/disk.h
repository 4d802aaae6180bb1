// SPDX-License-Identifier: LGPL-2.1-or-later
// The archive as the origin reads it: in a thread, one stream at a time, so that the main loop never waits
// for a disk.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <base/loop.h>
#include <playlist/stream_index.h>

#include "totals.h"

namespace headgate::origin {

// A stream's records, as far as the disk has them.
struct LoadedStream {
  playlist::StreamIndex index;
  Totals totals;
  bool found = false;  // the station has an archive
};

class Disk {
 public:
  Disk(Loop& loop, std::string root, uint32_t event);
  // Waits for the job that is running.
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // `done` in the loop's thread. Urgent ones (a viewer waits) go before the others.
  void list_stations(std::function<void(std::vector<uint32_t>)> done);
  void load(uint32_t station, const playlist::IndexSettings& settings, bool urgent,
            std::function<void(LoadedStream)> done);
  // Any work for the thread; `job` returns what then runs in the loop's thread.
  void run(bool urgent, std::function<std::function<void()>()> job);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace headgate::origin

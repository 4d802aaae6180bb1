// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a run's streaming thread and its volume's thread meet: records on their way to run.jl, files on their
// way to their final names. The streaming thread only ever waits for a swap.
#pragma once

#include <atomic>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <base/guarded.h>
#include <base/result.h>
#include <base/unique_fd.h>

#include "chain.h"

namespace headgate::store {

struct FinishedFile {
  std::string directory;
  uint32_t index = 0;
  UniqueFd media;
};

// <stem>.mp4.part becomes <stem>.mp4 and read-only, its index too. With `durable` the file is synced before
// and the directory is left to the caller. Doing it twice changes nothing.
Result<void> give_final_name(const FinishedFile& file, bool durable);

// A record that is not a line yet: which lines there are, and with it their chain, is decided when they go to
// run.jl.
struct LogEntry {
  static constexpr int64_t kNothing = std::numeric_limits<int64_t>::min();

  std::string type;
  std::string members = {};
  bool of_media = false;                                // speaks of bytes in a media file
  int64_t recorded_until = kNothing;                    // media before this PTS has its record with this line
  std::optional<FinishedFile> finished = std::nullopt;  // the file that this line closes
  bool ends = false;                                    // the run's last
};

class RunLog {
 public:
  // `chain`: run.jl, locked, at its end, of which `writer` makes the next lines. `volume`: the uuid.
  RunLog(UniqueFd chain, ChainWriter writer, std::string directory, std::string volume)
      : chain_(std::move(chain)),
        writer_(std::move(writer)),
        directory_(std::move(directory)),
        volume_(std::move(volume)) {}

  // --- streaming thread
  void add(LogEntry entry);
  void media_written();
  int64_t durable_pts() const { return durable_pts_.load(std::memory_order_acquire); }

  // --- the volume's thread, in this order, once a tick
  // What was added is taken over. True: media was written since the last time.
  bool take();
  // Appends the entries whose media an earlier tick has made durable. An error leaves the rest for the next
  // tick; a line cut short is finished then.
  Result<void> append();
  bool appended() const { return appended_; }  // by this tick
  // The tick's sync has succeeded. What was appended is durable: final names, and durable_pts(). What was
  // taken can be appended by the next tick.
  Result<void> settle(bool durable);
  // Instead: nothing is synced any more. Entries that speak of media that is not known to be on disk are
  // dropped, the others go out, behind an `io` line with this errno.
  Result<void> abandon(int code);

  // Something waits for the next tick's append().
  bool waiting() const { return !ready_.empty(); }
  bool ended() const { return ended_; }
  // The lock on run.jl can go: everything is written and named (or, `hopeless`, never will be).
  bool finished(bool hopeless) const;
  // Lets go of it, though the writer may still be there.
  void close() { chain_.reset(); }

 private:
  void seal(LogEntry& entry);
  Result<void> write_out();

  struct Shared {
    std::vector<LogEntry> entries;
    bool media = false;
  };
  Guarded<Shared> shared_;
  std::atomic<int64_t> durable_pts_{LogEntry::kNothing};

  // Of the volume's thread.
  UniqueFd chain_;
  ChainWriter writer_;
  const std::string directory_, volume_;
  std::vector<LogEntry> fresh_;                // taken by this tick: their media may not be on disk
  std::vector<LogEntry> ready_;                // it is
  std::string lines_;                          // made of entries, not yet in run.jl
  std::vector<FinishedFile> files_;            // closed by lines that are in run.jl, or in lines_
  int64_t recorded_pts_ = LogEntry::kNothing;  // likewise
  bool appended_ = false;
  bool ended_ = false;      // its last entry was taken
  bool abandoned_ = false;  // the `io` line was made
};

}  // namespace headgate::store

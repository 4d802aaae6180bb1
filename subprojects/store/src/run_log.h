// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a run's streaming thread and its volume's thread meet: lines on their way to run.jl, files on their
// way to their final names. The streaming thread only ever waits for a swap.
#pragma once

#include <atomic>
#include <limits>
#include <string>
#include <vector>

#include <base/guarded.h>
#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::store {

struct FinishedFile {
  std::string directory;
  uint32_t index = 0;
  UniqueFd media;
};

// <stem>.mp4.part becomes <stem>.mp4 and read-only, its index too. With `durable` the file is synced before
// and the directory is left to the caller. Doing it twice changes nothing.
Result<void> give_final_name(const FinishedFile& file, bool durable);

class RunLog {
 public:
  static constexpr int64_t kNothing = std::numeric_limits<int64_t>::min();

  // `chain`: run.jl, locked, at its end. `station` is what the volume knows the run by.
  RunLog(UniqueFd chain, std::string directory)
      : chain_(std::move(chain)), directory_(std::move(directory)) {}

  // --- streaming thread
  void add(std::string line);
  void media_written();
  // Media before `pts` has its record among the lines added so far.
  void recorded_until(int64_t pts);
  void file_finished(FinishedFile file);  // its `close` was added
  void end();                             // its `end` was added
  int64_t durable_pts() const { return durable_pts_.load(std::memory_order_acquire); }

  // --- the volume's thread, in this order, once a tick
  bool take();  // true: there is media or a line to make durable
  // Appends what was taken. An error leaves the rest for the next tick; a line cut short is finished then.
  Result<void> append();
  bool appended() const { return appended_; }  // by the append() of this tick
  // Everything taken and appended is durable: final names, and durable_pts().
  Result<void> settle(bool durable);
  // The lock on run.jl can go: everything is written and named (or, `hopeless`, never will be).
  bool finished(bool hopeless) const;
  // Lets go of it, though the writer may still be there.
  void close() { chain_.reset(); }

 private:
  struct Shared {
    std::string lines;
    std::vector<FinishedFile> files;
    bool media = false;
    int64_t recorded_pts = kNothing;
    bool ended = false;
  };
  Guarded<Shared> shared_;
  std::atomic<int64_t> durable_pts_{kNothing};

  // Of the volume's thread.
  UniqueFd chain_;
  std::string directory_;
  Shared taken_;
  bool appended_ = false;
};

}  // namespace headgate::store

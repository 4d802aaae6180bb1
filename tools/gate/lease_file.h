// SPDX-License-Identifier: LGPL-2.1-or-later
// Who holds which ticket, in a file of the runtime folder: a gate that is started anew knows devices' keys
// and addresses from before, also of sessions that were over by then. A thread of its own writes, so that
// nobody who is let in waits for a disk; what it had no time for when the gate was killed is lost. Two gates
// may have the same file, as while a node is upgraded.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <base/guarded.h>
#include <base/unique_fd.h>
#include <ticket/lease.h>

namespace headgate::gate {

// A file that has become so large, and four times what it needs, is written anew.
inline constexpr uint64_t kLeaseFileBytes = 1 << 20;
inline constexpr size_t kMaxLeaseFileBytes = 256u << 20;  // of which more is not read

class LeaseFile {
 public:
  explicit LeaseFile(std::string path, uint64_t compact_bytes = kLeaseFileBytes);
  ~LeaseFile();  // what keep() was given is written
  LeaseFile(const LeaseFile&) = delete;
  LeaseFile& operator=(const LeaseFile&) = delete;

  // Of each ticket that is in force the latest; what is no line of ours is passed over. No file: nobody.
  Result<std::vector<ticket::Holding>> load(int64_t utc_seconds) const;
  // Any thread; does not wait.
  void keep(const ticket::Holding& holding, int64_t utc_seconds);

 private:
  struct Queue {
    std::vector<ticket::Holding> holdings;
    int64_t utc_seconds = 0;
    bool end = false;
  };
  void run();
  Result<void> write(const std::vector<ticket::Holding>& holdings, int64_t utc_seconds);
  Result<UniqueFd> open_locked() const;
  Result<void> compact(int64_t utc_seconds);

  const std::string path_;
  const uint64_t least_bytes_;
  uint64_t compact_at_;  // the thread's
  Guarded<Queue> queue_;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace headgate::gate

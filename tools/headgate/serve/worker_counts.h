// SPDX-License-Identifier: LGPL-2.1-or-later
// What a worker's status says of what it encodes. The text is a worker's, which has read strangers' bytes: no
// more is made of it than small numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace headgate::serve {

struct WorkerCounts {
  int64_t rungs = 0;          // that are encoded because viewers ask
  int64_t ladder_rungs = 0;   // that are encoded all the time, or would be
  int64_t ladder_paused = 0;  // of them, for want of processors
};

WorkerCounts worker_counts(const std::string& status_json);

// Of all workers: how much of what is to be encoded all the time is paused.
class PausedShare {
 public:
  void add(const WorkerCounts& counts);
  std::optional<double> percent() const;  // none: nothing is to be

 private:
  int64_t rungs_ = 0, paused_ = 0;
};

}  // namespace headgate::serve

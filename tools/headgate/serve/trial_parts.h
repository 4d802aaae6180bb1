// SPDX-License-Identifier: LGPL-2.1-or-later
// What a trial tries, one after the other: each part has its time, and so have all of them together, so that
// a node with many pipelines of its own can be tried, and one part that hangs is found out soon. In the
// loop's thread.
#pragma once

#include <base/clock.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tasks.h"

namespace headgate::serve {

struct TrialLimits {
  int64_t part_ms = kCheckMs;
  int64_t all_ms = 600'000;  // more than part_ms
};

struct TrialPart {
  std::string what;  // for whoever reads why it is refused
  Program program;
};

class TrialParts {
 public:
  // `clock`: its mono_us().
  TrialParts(Tasks& tasks, const Clock& clock) : tasks_(tasks), clock_(clock) {}

  // Once, in this order. `done` gets what the first wrong one said, which one it is and how it ended; empty:
  // all are right. It may be called from within this call.
  void run(std::vector<TrialPart> parts, const TrialLimits& limits,
           std::function<void(const std::string& refused)> done);

 private:
  void next();
  int64_t left_ms() const { return until_ms_ - clock_.mono_us() / 1000; }

  Tasks& tasks_;
  const Clock& clock_;
  std::vector<TrialPart> parts_;
  TrialLimits limits_;
  std::function<void(const std::string&)> done_;
  size_t next_ = 0;
  int64_t until_ms_ = 0;
};

}  // namespace headgate::serve

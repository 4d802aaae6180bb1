// SPDX-License-Identifier: LGPL-2.1-or-later
// `headgate serve --check`: whether the node's programs can be started with the settings that are there, and,
// as a running node's supervisor has it tried before it becomes these programs, whether that node can take
// them over. Touches nothing of the node. Standard output has the reason why not. In the loop's thread.
#pragma once

#include <base/clock.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config.h"
#include "instances.h"
#include "tasks.h"
#include "trial_parts.h"

namespace headgate::serve {

// What whoever has it tried waits beyond what its parts have, so that it can be told which one did not end.
inline constexpr int64_t kTrialMarginMs = 10'000;
inline constexpr int64_t kTrialMs = TrialLimits{}.all_ms + kTrialMarginMs;  // what a supervisor waits

class Trial {
 public:
  using ProgramOf = std::function<Program(const std::string& role, int number)>;

  Trial(Tasks& tasks, const Clock& clock, const Config& config, Instances& instances, ProgramOf program_of);

  // Once. `done` gets the exit code: 0, they can.
  void run(std::function<void(int code)> done);

 private:
  // Gate, origin, control, a worker; each pipeline of the node's own is built once with its parameters, from
  // the descriptions that are to be used.
  Result<std::vector<TrialPart>> parts();

  const Config& config_;
  Instances& instances_;
  const ProgramOf program_of_;
  TrialParts parts_;
};

}  // namespace headgate::serve

// SPDX-License-Identifier: LGPL-2.1-or-later
// `headgate serve --check`: whether the node's programs can be started with the settings that are there, and,
// as a running node's supervisor has it tried before it becomes these programs, whether that node can take
// them over. Touches nothing of the node. Standard output has the reason why not. In the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <base/loop.h>

#include "config.h"
#include "instances.h"
#include "tasks.h"

namespace headgate::serve {

// All of it; shorter than whoever has it tried waits, so that it can be told which program did not end.
inline constexpr int64_t kTrialPartsMs = 50'000;

class Trial {
 public:
  using ProgramOf = std::function<Program(const std::string& role, int number)>;

  Trial(Tasks& tasks, const Config& config, Instances& instances, ProgramOf program_of);

  // Once. `done` gets the exit code: 0, they can.
  void run(std::function<void(int code)> done);

 private:
  struct Part {
    std::string what;  // for whoever reads the reason
    Program program;
  };
  Result<void> add_instances();
  void next();
  void refuse(const std::string& reason);

  Tasks& tasks_;
  const Config& config_;
  Instances& instances_;
  const ProgramOf program_of_;
  std::function<void(int)> done_;
  std::vector<Part> left_;  // the last one first
  int64_t until_mono_ms_ = 0;
};

}  // namespace headgate::serve

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trial.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "running_node.h"

namespace headgate::serve {

Trial::Trial(Tasks& tasks, const Clock& clock, const Config& config, Instances& instances,
             ProgramOf program_of)
    : config_(config), instances_(instances), program_of_(std::move(program_of)), parts_(tasks, clock) {}

void Trial::run(std::function<void(int code)> done) {
  TrialLimits limits;
  if (const auto running = take_running_node()) {
    const auto faults = not_while_it_runs(*running, config_);
    for (const std::string& fault : faults) std::puts(fault.c_str());
    if (!faults.empty()) return done(1);
    limits.all_ms = std::clamp(running->trial_ms - kTrialMarginMs, kTrialMarginMs, limits.all_ms);
  }
  auto parts = this->parts();
  if (!parts) {
    std::puts(parts.error().message.c_str());
    return done(1);
  }
  parts_.run(*std::move(parts), limits, [done = std::move(done)](const std::string& refused) {
    if (!refused.empty()) std::puts(refused.c_str());
    done(refused.empty() ? 0 : 1);
  });
}

Result<std::vector<TrialPart>> Trial::parts() {
  std::vector<TrialPart> out;
  for (const char* name : {"gate", "worker", "origin", "control"}) {
    const std::string role = name;
    const bool worker = role == "worker";
    Program program = program_of_(role, worker ? 0 : -1);
    if (worker) {
      program.arguments.emplace_back("--pipelines");
      program.arguments.push_back(config_.pipelines);
    }
    program.arguments.emplace_back("--check");
    out.push_back({"headgate-" + role + " --check", std::move(program)});
  }
  auto checks = instances_.checks(config_.pipelines);
  if (!checks) return Unexpected(checks.error());
  for (auto& [instance, words] : *checks) {
    Program program = program_of_(kInstanceFront + instance, -1);
    give(program, std::move(words));
    program.errors_in_output = true;
    out.push_back({"the pipeline " + instance + ": headgate-pipeline check", std::move(program)});
  }
  return out;
}

}  // namespace headgate::serve

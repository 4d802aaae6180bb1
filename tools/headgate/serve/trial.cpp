// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trial.h"

#include <base/clock.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>

#include "description_watch.h"
#include "running_node.h"

namespace headgate::serve {
namespace {

int64_t now_ms() {
  return system_clock().mono_us() / 1000;
}

}  // namespace

Trial::Trial(Tasks& tasks, const Config& config, Instances& instances, ProgramOf program_of)
    : tasks_(tasks), config_(config), instances_(instances), program_of_(std::move(program_of)) {}

void Trial::run(std::function<void(int code)> done) {
  done_ = std::move(done);
  until_mono_ms_ = now_ms() + kTrialPartsMs;
  if (const auto running = take_running_node()) {
    const auto faults = not_while_it_runs(*running, config_);
    for (const std::string& fault : faults) std::puts(fault.c_str());
    if (!faults.empty()) return done_(1);
  }
  if (auto added = add_instances(); !added) return refuse(added.error().message);
  for (const char* role : {"control", "origin", "worker", "gate"}) {
    const bool worker = role == std::string("worker");
    Program program = program_of_(role, worker ? 0 : -1);
    if (worker) {
      program.arguments.emplace_back("--pipelines");
      program.arguments.push_back(config_.pipelines);
    }
    program.arguments.emplace_back("--check");
    left_.push_back({"headgate-" + std::string(role) + " --check", std::move(program)});
  }
  next();
}

// Each built once with its parameters, from the descriptions that are to be used.
Result<void> Trial::add_instances() {
  auto checks = instances_.checks(config_.pipelines);
  if (!checks) return Unexpected(checks.error());
  for (auto& [instance, words] : *checks) {
    Program program = program_of_(kInstanceFront + instance, -1);
    give(program, std::move(words));
    program.errors_in_output = true;
    left_.push_back({"the pipeline " + instance + ": headgate-pipeline check", std::move(program)});
  }
  return {};
}

void Trial::next() {
  if (left_.empty()) return done_(0);
  Part part = std::move(left_.back());
  left_.pop_back();
  auto said = std::make_shared<std::string>();
  tasks_.run(
      std::move(part.program),
      [this, what = part.what, said](int code) {
        if (code == 0) return next();
        std::fputs(said->c_str(), stdout);
        refuse(what + (code == kTookTooLong
                           ? " has not ended within the " + std::to_string(kTrialPartsMs / 1000) +
                                 " s of the trial and was killed"
                           : " " + Tasks::how_it_ended(code, kTrialPartsMs)));
      },
      [said](const std::string& line) {
        if (said->size() < kMaxReasonBytes) *said += line + "\n";
      },
      std::max<int64_t>(1, until_mono_ms_ - now_ms()));
}

void Trial::refuse(const std::string& reason) {
  std::puts(reason.c_str());
  done_(1);
}

}  // namespace headgate::serve

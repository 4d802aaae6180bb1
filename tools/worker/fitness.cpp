// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fitness.h"

#include <base/clock.h>
#include <common/log.h>
#include <store/run_writer.h>
#include <wire/messages.h>

namespace headgate::worker {
namespace {

// Publishers are told it: no paths and numbers, which the log has.
std::string for_strangers(const std::string& problem) {
  std::string front = problem.substr(0, problem.find(':'));
  if (front.find('/') != front.npos) front = "the archive cannot be written";
  return std::string(wire::kNoStorageFront) + front;
}

}  // namespace

void Fitness::look_at_archive() {
  store::VolumeSettings volume;
  volume.root = root_;
  std::string problem = store::Volume::inspect(volume, event_).problem;
  if (problem != full_problem_ && !problem.empty()) tools::log_warning("nothing can be recorded: " + problem);
  full_problem_ = problem;
  archive_problem_ = problem.empty() ? "" : for_strangers(problem);
}

void Fitness::drain() {
  if (!std::exchange(draining_, true)) drained_us_ = system_clock().mono_us();
}

bool Fitness::drained_within(int64_t ms) const {
  return draining_ && !stopping_ && !given_up() && archive_problem_.empty() &&
         system_clock().mono_us() - drained_us_ < ms * 1000;
}

bool Fitness::give_up(const std::string& reason) {
  if (given_up()) return false;
  hopeless_ = reason;
  last_ran_us_ = system_clock().mono_us();
  tools::log_warning("this worker cannot go on and ends when its sessions have: " + reason);
  return true;
}

std::string Fitness::problem() const {
  if (stopping_) return "stopping";
  if (draining_) return wire::kDraining;
  if (given_up()) return hopeless_;
  return archive_problem_;
}

bool Fitness::nothing_ends_any_more(size_t sessions, bool any_running, int64_t last_words_ms) {
  const int64_t now_us = system_clock().mono_us();
  if (any_running) last_ran_us_ = now_us;
  return sessions == 0 || now_us - last_ran_us_ >= last_words_ms * 1000;
}

}  // namespace headgate::worker

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tasks.h"

#include <common/log.h>

#include <utility>

namespace headgate::serve {

int Tasks::run(Program program, std::function<void(int)> done, Task::OnLine on_line, int64_t limit_ms) {
  const int id = ++last_;
  auto task = Task::run(
      loop_, std::move(program),
      [this, id, done](int code) {
        auto finished = tasks_.extract(id);  // lives until the end of this call
        done(code);
      },
      std::move(on_line), limit_ms);
  if (task) {
    tasks_[id] = {*std::move(task), std::move(done)};
  } else {
    tools::log_error(task.error().message);
    loop_.post([done] { done(-1); });
  }
  return id;
}

int Tasks::pid(int task) const {
  const auto found = tasks_.find(task);
  return found == tasks_.end() ? 0 : found->second.task->pid();
}

void Tasks::end(int task) {
  if (const auto found = tasks_.find(task); found != tasks_.end()) found->second.task->end();
}

std::vector<std::function<void(int)>> Tasks::end_all() {
  std::vector<std::function<void(int)>> out;
  for (auto& [id, running] : tasks_) out.push_back(std::move(running.done));
  tasks_.clear();
  return out;
}

std::string Tasks::how_it_ended(int code, int64_t limit_ms) {
  if (code == kTookTooLong)
    return "took longer than " + std::to_string(limit_ms / 1000) + " s and was killed";
  if (code == kWasEnded) return "was ended, as an upgrade began";
  if (code == -1) return "could not be started";
  return "ended with " + std::to_string(code);
}

}  // namespace headgate::serve

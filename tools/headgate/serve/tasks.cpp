// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tasks.h"

#include <common/log.h>

#include <utility>

namespace headgate::serve {

void Tasks::run(Program program, std::function<void(int)> done, Task::OnLine on_line) {
  const int id = ++last_;
  auto task = Task::run(
      loop_, std::move(program),
      [this, id, done](int code) {
        auto finished = tasks_.extract(id);  // lives until the end of this call
        done(code);
      },
      std::move(on_line));
  if (task) {
    tasks_[id] = *std::move(task);
  } else {
    tools::log_error(task.error().message);
    loop_.post([done] { done(-1); });
  }
}

void Tasks::end_all() {
  tasks_.clear();
}

}  // namespace headgate::serve

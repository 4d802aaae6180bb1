// SPDX-License-Identifier: LGPL-2.1-or-later
#include "task.h"

#include <sys/epoll.h>

#include <csignal>

namespace headgate::serve {

Result<std::unique_ptr<Task>> Task::run(Loop& loop, const Program& program, std::function<void(int)> done) {
  auto process = spawn(program);
  if (!process) return Unexpected(process.error());
  return std::unique_ptr<Task>(new Task(loop, *std::move(process), std::move(done)));
}

Task::Task(Loop& loop, Process process, std::function<void(int)> done)
    : loop_(loop), process_(std::move(process)), done_(std::move(done)) {
  loop_.watch(process_.pidfd.get(), EPOLLIN, [this](uint32_t) {
    int code = collect(process_);
    loop_.unwatch(process_.pidfd.get());
    process_ = {};
    auto callback = std::move(done_);
    callback(code);
  });
}

Task::~Task() {
  if (!process_.pidfd) return;
  loop_.unwatch(process_.pidfd.get());
  send_signal(process_, SIGKILL);
  collect(process_);
}

}  // namespace headgate::serve

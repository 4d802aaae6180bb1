// SPDX-License-Identifier: LGPL-2.1-or-later
#include "task.h"

#include <base/io.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>

namespace headgate::serve {

Result<std::unique_ptr<Task>> Task::run(Loop& loop, Program program, std::function<void(int)> done,
                                        OnLine on_line, int64_t limit_ms) {
  UniqueFd reading, writing;
  if (on_line) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("pipe");
    reading.reset(ends[0]);
    writing.reset(ends[1]);
    // Only our end: the program's writes may wait.
    ::fcntl(reading.get(), F_SETFL, O_NONBLOCK);
    program.output = writing.get();
  }
  program.ends_with_us = true;
  auto process = spawn(program);
  if (!process) return Unexpected(process.error());
  std::unique_ptr<Task> task(
      new Task(loop, *std::move(process), std::move(reading), std::move(done), std::move(on_line)));
  if (limit_ms > 0)
    task->limit_ = loop.after_ms(limit_ms, [one = task.get()] {
      one->limit_ = 0;
      one->too_long_ = true;
      one->end();
    });
  return task;
}

Task::Task(Loop& loop, Process process, UniqueFd output, std::function<void(int)> done, OnLine on_line)
    : loop_(loop),
      process_(std::move(process)),
      output_(std::move(output)),
      done_(std::move(done)),
      on_line_(std::move(on_line)) {
  if (output_) loop_.watch(output_.get(), EPOLLIN, [this](uint32_t) { read_output(); });
  loop_.watch(process_.pidfd.get(), EPOLLIN, [this](uint32_t) {
    loop_.cancel(std::exchange(limit_, 0));
    read_output();
    close_output();
    int code = collect(process_);
    if (too_long_) code = kTookTooLong;
    loop_.unwatch(process_.pidfd.get());
    process_ = {};
    auto callback = std::move(done_);
    callback(code);
  });
}

Task::~Task() {
  loop_.cancel(limit_);
  close_output();
  if (!process_.pidfd) return;
  loop_.unwatch(process_.pidfd.get());
  end();
  pollfd ended{process_.pidfd.get(), POLLIN, 0};
  if (::poll(&ended, 1, kEndMs) > 0) collect(process_);
}

// Before it is collected its number is nobody else's.
void Task::end() {
  ::kill(-process_.pid, SIGKILL);
  send_signal(process_, SIGKILL);  // it may not have come so far as to have a group
}

void Task::read_output() {
  std::array<char, kMaxLineBytes> buffer;
  while (output_) {
    ssize_t size = ::read(output_.get(), buffer.data(), buffer.size());
    if (size < 0) return;  // nothing there
    if (size == 0) return close_output();
    for (char c : std::string_view(buffer.data(), static_cast<size_t>(size))) {
      if (c != '\n') {
        if (line_.size() <= kMaxLineBytes) line_ += c;
        continue;
      }
      if (line_.size() <= kMaxLineBytes) on_line_(line_);
      line_.clear();
    }
  }
}

void Task::close_output() {
  if (!output_) return;
  loop_.unwatch(output_.get());
  output_.reset();
}

}  // namespace headgate::serve

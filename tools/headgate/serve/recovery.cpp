// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recovery.h"

#include <base/json_line.h>
#include <common/log.h>

#include <charconv>
#include <system_error>
#include <utility>

namespace headgate::serve {
namespace {

constexpr int64_t kLookMs = 1000;

}  // namespace

Recovery::Recovery(Loop& loop, const Clock& clock, Tasks& tasks, NodeEvents& events,
                   std::function<Program()> program, std::function<void()> changed, CpuOf cpu)
    : loop_(loop),
      clock_(clock),
      tasks_(tasks),
      events_(events),
      program_(std::move(program)),
      changed_(std::move(changed)),
      cpu_(std::move(cpu)) {}

Recovery::~Recovery() {
  loop_.cancel(pause_);
  loop_.cancel(timer_);
}

void Recovery::ask() {
  if (stopped_) return;
  if (task_ != 0 || pause_ != 0) {
    again_ = true;
    return;
  }
  begun_ = still_ = false;
  stations_done_ = stations_all_ = 0;
  cpu_us_ = 0;
  Program program = program_();
  program.background = true;
  task_ = tasks_.run(
      std::move(program), [this](int code) { on_end(code); },
      [this](const std::string& line) { read_line(line); });
  silence_.expect(kRecoverStillMs, now_ms());
  timer_ = loop_.every_ms(kLookMs, [this] { look(); });
  changed_();
}

void Recovery::read_line(const std::string& line) {
  uint64_t done = 0, all = 0;
  const char* last = line.data() + line.size();
  auto [end, error] = std::from_chars(line.data(), last, done);
  if (error != std::errc() || end == last || *end != ' ') return;
  if (std::from_chars(end + 1, last, all).ec != std::errc()) return;
  if (!std::exchange(begun_, true))
    events_.add("recovery.started", Severity::info, {{kEventText, "the archive is looked through"}});
  silence_.expect(kRecoverStillMs, now_ms());
  stations_done_ = done;
  stations_all_ = all;
  changed_();
}

// What waits for a disk that does not answer may not end before that does: it is told now.
void Recovery::look() {
  const int pid = task_ == 0 ? 0 : tasks_.pid(task_);
  if (pid == 0 || still_) return;
  if (const auto cpu_us = cpu_(pid); cpu_us && *cpu_us != cpu_us_) {
    cpu_us_ = *cpu_us;
    silence_.expect(kRecoverStillMs, now_ms());
  }
  if (!silence_.look(now_ms())) return;
  still_ = true;
  code_ = kTookTooLong;
  const std::string text = "the archive's recovery has done nothing for " +
                           std::to_string(kRecoverStillMs / 60'000) +
                           " minutes and is ended: does the archive's volume answer?";
  tools::log_error(text);
  events_.add("recovery.failed", Severity::error, {{kEventText, text}, {"reason", "still"}});
  tasks_.end(task_);
  changed_();
}

void Recovery::on_end(int code) {
  task_ = 0;
  loop_.cancel(std::exchange(timer_, 0));
  if (!still_) code_ = code;
  if (code_ == 0 && begun_) {
    events_.add("recovery.done", Severity::info, {{kEventText, "the archive was looked through"}});
  } else if (code_ != 0 && !still_) {
    tools::log_error("the archive's recovery ended with " + std::to_string(code));
    events_.add(
        "recovery.failed", Severity::error,
        {{kEventText, "the archive's recovery failed: the log names what is damaged"}, {"code", code}});
  }
  if (!stopped_)
    pause_ = loop_.after_ms(kRecoverPauseMs, [this] {
      pause_ = 0;
      if (std::exchange(again_, false)) ask();
    });
  changed_();
}

void Recovery::stop() {
  stopped_ = true;
  loop_.cancel(std::exchange(pause_, 0));
  loop_.cancel(std::exchange(timer_, 0));
}

std::string Recovery::json() const {
  const bool runs = task_ != 0 && !still_;
  JsonLine out;
  out.field("state", runs ? "running" : code_ == 0 ? "done" : "failed");
  if (runs) out.field("stations", stations_done_).field("of", stations_all_);
  return out.take();
}

}  // namespace headgate::serve

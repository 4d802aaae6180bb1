// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recovery.h"

#include <base/json_line.h>
#include <common/log.h>

#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

namespace headgate::serve {

Recovery::Recovery(Loop& loop, Tasks& tasks, NodeEvents& events, std::string data,
                   std::function<Program()> program, std::function<void()> changed)
    : loop_(loop),
      tasks_(tasks),
      events_(events),
      data_(std::move(data)),
      program_(std::move(program)),
      changed_(std::move(changed)) {}

Recovery::~Recovery() {
  loop_.cancel(pause_);
}

void Recovery::ask() {
  // A new node has nothing to recover.
  std::error_code unknown;  // of a volume that does not answer: the recovery says what is wrong with it
  if (stopped_ || (!running_ && !std::filesystem::exists(data_ + "/lta", unknown) && !unknown)) return;
  if (running_ || pause_ != 0) {
    again_ = true;
    return;
  }
  running_ = true;
  stations_done_ = stations_all_ = 0;
  Program program = program_();
  program.background = true;
  tasks_.run(
      std::move(program), [this](int code) { on_end(code); },
      [this](const std::string& line) { read_line(line); });
  events_.add("recovery.started", Severity::info, {{kEventText, "the archive is looked through"}});
  changed_();
}

void Recovery::read_line(const std::string& line) {
  uint64_t done = 0, all = 0;
  const char* last = line.data() + line.size();
  auto [end, error] = std::from_chars(line.data(), last, done);
  if (error != std::errc() || end == last || *end != ' ') return;
  if (std::from_chars(end + 1, last, all).ec != std::errc()) return;
  stations_done_ = done;
  stations_all_ = all;
  changed_();
}

void Recovery::on_end(int code) {
  running_ = false;
  code_ = code;
  if (code == 0) {
    events_.add("recovery.done", Severity::info, {{kEventText, "the archive was looked through"}});
  } else {
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
}

std::string Recovery::json() const {
  JsonLine out;
  out.field("state", running_ ? "running" : code_ == 0 ? "done" : "failed");
  if (running_) out.field("stations", stations_done_).field("of", stations_all_);
  return out.take();
}

}  // namespace headgate::serve

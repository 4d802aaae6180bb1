// SPDX-License-Identifier: LGPL-2.1-or-later
#include "restart_in_place.h"

#include <base/io.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "upgrade_exec.h"

namespace headgate::serve {
namespace {

// Of the file that a descriptor leads to: its own while it is there.
std::string path_of(const UniqueFd& file, const std::string& link) {
  std::error_code error;
  const std::string own = std::filesystem::read_symlink(link, error).string();
  struct stat there {
  }, running{};
  if (!error && ::stat(own.c_str(), &there) == 0 && ::fstat(file.get(), &running) == 0 &&
      there.st_dev == running.st_dev && there.st_ino == running.st_ino)
    return own;
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file.get());
}

}  // namespace

RestartInPlace::RestartInPlace(Loop& loop, Children& children, std::function<void(const std::string&)> start)
    : loop_(loop), children_(children), start_(std::move(start)) {}

RestartInPlace::~RestartInPlace() {
  stop();
}

void RestartInPlace::stop() {
  loop_.cancel(std::exchange(look_, 0));
  loop_.cancel(std::exchange(limit_, 0));
  role_.clear();
}

void RestartInPlace::begin(const std::string& role, std::function<void(const std::string&)> done) {
  Child& child = children_.place(role);
  role_ = role;
  done_ = std::move(done);
  problem_.clear();
  present_ = {};
  const std::string link = "/proc/" + std::to_string(child.pid()) + "/exe";
  if (auto file = open_file(link, O_PATH)) {
    present_.path = path_of(*file, link);
    present_.file = *std::move(file);
    if (!role.starts_with(kInstanceFront)) {
      present_.arguments = arguments_of(child.pid());
      present_.input = input_of(child.pid()).value_or("");
    }
  }
  ending_ = true;
  within(kRunEndMs, "");
  child.stop();
}

void RestartInPlace::within(int64_t ms, const std::string& otherwise) {
  loop_.cancel(std::exchange(limit_, 0));
  limit_ = loop_.after_ms(ms, [this, otherwise] {
    limit_ = 0;
    if (!ending_) return failed(otherwise);
    if (children_.has(role_)) children_.place(role_).kill();
  });
}

// Looked at when the child's own call is over.
void RestartInPlace::changed(const Child& child) {
  if (role_.empty() || child.place().role != role_ || look_ != 0) return;
  look_ = loop_.after_ms(0, [this] {
    look_ = 0;
    look();
  });
}

void RestartInPlace::look() {
  const std::string socket = role_ + ".sock";
  Child* child = children_.find(socket);
  if (ending_) {
    if (child && (child->running() || child->waiting())) {
      if (child->stopping()) return;  // it has not gone yet
    } else if (child) {
      children_.forget(socket);
    }
    ending_ = served_ = false;
    within(kRestartMs, "does not serve in time");
    start_(role_);
    if (!children_.find(socket)) finish(problem_);  // it is not wanted any more
    return;
  }
  if (!child) return finish(problem_);
  if (!child->running()) {
    // It ran: its source or peer failed, which its description's `restart` deals with. A crash is the
    // program's.
    if (served_ && role_.starts_with(kInstanceFront) && child->end_signal() == 0) return settled();
    return failed("ended as soon as it was started");
  }
  if (!child->ready() || child->stopping()) return;
  served_ = true;
  loop_.cancel(std::exchange(limit_, 0));
  limit_ = loop_.after_ms(kSettledMs, [this] {
    limit_ = 0;
    settled();
  });
}

void RestartInPlace::settled() {
  finish(problem_.empty() ? "" : problem_ + "; the one before runs again");
}

void RestartInPlace::failed(const std::string& how) {
  if (!problem_.empty()) return finish(problem_ + "; the one before " + how + ", too: there is none");
  problem_ = "the new " + role_ + ": " + how;
  if (present_.path.empty()) return finish(problem_ + "; the one before cannot be started again");
  before_[role_] = std::move(present_);
  ending_ = true;
  within(kRunEndMs, "");
  children_.place(role_).stop();
}

void RestartInPlace::finish(const std::string& problem) {
  stop();
  auto done = std::move(done_);
  done(problem);
}

Program RestartInPlace::as_it_runs(const std::string& role, Program on_disk) const {
  const auto before = before_.find(role);
  if (before == before_.end()) return on_disk;
  on_disk.path = before->second.path;
  if (!before->second.arguments.empty()) {
    on_disk.arguments = before->second.arguments;
    on_disk.input = before->second.input;
  }
  return on_disk;
}

}  // namespace headgate::serve

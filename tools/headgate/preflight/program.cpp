// SPDX-License-Identifier: LGPL-2.1-or-later
#include "program.h"

#include <base/io.h>
#include <common/options.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include <base/clock.h>

namespace headgate::preflight {
namespace {

constexpr int kCannotStart = 127;
volatile std::sig_atomic_t interruptions = 0;

void on_signal(int) {
  interruptions = 1;
}

std::string text_in(const UniqueFd& file) {
  std::string out(Program::kMaxOutput, '\0');
  const ssize_t size = ::pread(file.get(), out.data(), out.size(), 0);
  out.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return out;
}

// After fork(): only what is safe there.
[[noreturn]] void become(char* const* arguments, const CommandLine& line, int input, int output, int errors) {
  const auto& who = line.account;
  if (who && (::setgroups(who->groups.size(), who->groups.data()) != 0 || ::setgid(who->gid) != 0 ||
              ::setuid(who->uid) != 0))
    ::_exit(kCannotStart);
  // It must not outlive us; a change of the user would take this back.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  ::execvp(arguments[0], arguments);
  const char* reason = std::strerror(errno);
  [[maybe_unused]] ssize_t told = ::write(STDERR_FILENO, reason, std::strlen(reason));
  ::_exit(kCannotStart);
}

}  // namespace

void watch_for_interruption() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() {
  return interruptions != 0;
}

std::vector<std::string> set_options(const std::vector<std::string>& parameters) {
  std::vector<std::string> out;
  for (const std::string& one : parameters) out.push_back("--set=" + one);
  return out;
}

Program::Program(pid_t pid, UniqueFd pidfd, UniqueFd output, UniqueFd errors)
    : pid_(pid), pidfd_(std::move(pidfd)), output_(std::move(output)), errors_(std::move(errors)) {}

Program::Program(Program&& other) noexcept
    : pid_(other.pid_),
      pidfd_(std::move(other.pidfd_)),
      output_(std::move(other.output_)),
      errors_(std::move(other.errors_)),
      code_(other.code_),
      ended_(std::exchange(other.ended_, true)) {}

Program::~Program() {
  if (ended_) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<Program> Program::start(const CommandLine& line) {
  auto input = line.secret.empty() ? open_file("/dev/null", O_RDONLY)
                                   : tools::input_with(tools::lines_of(line.secret));
  if (!input) return Unexpected(input.error());
  UniqueFd output(::memfd_create("output", MFD_CLOEXEC)), errors(::memfd_create("errors", MFD_CLOEXEC));
  if (!output || !errors) return errno_error("memfd_create");
  // Appended to, as a log is.
  for (const UniqueFd* file : {&output, &errors}) ::fcntl(file->get(), F_SETFL, O_APPEND);
  std::vector<char*> arguments;
  for (const std::string& word : line.words) arguments.push_back(const_cast<char*>(word.c_str()));
  if (!line.secret.empty())
    for (const char* word : {tools::kArgumentsFrom, tools::kStandardInput})
      arguments.push_back(const_cast<char*>(word));
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork");
  if (pid == 0) become(arguments.data(), line, input->get(), output.get(), errors.get());
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  Program out(pid, std::move(pidfd), std::move(output), std::move(errors));
  if (!out.pidfd_) return errno_error("pidfd_open");
  return out;
}

bool Program::running() {
  if (ended_) return false;
  pollfd ready{pidfd_.get(), POLLIN, 0};
  if (::poll(&ready, 1, 0) == 1) wait(0);
  return !ended_;
}

bool Program::wait(int64_t ms) {
  const int64_t until_us = system_clock().mono_us() + ms * 1000;
  while (!ended_) {
    const int64_t left_ms = std::max<int64_t>(0, (until_us - system_clock().mono_us()) / 1000);
    pollfd ready{pidfd_.get(), POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(left_ms)) == 1) {
      int status = 0;
      while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
      }
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      ended_ = true;
    } else if (interrupted() || left_ms == 0) {
      return false;
    }
  }
  return true;
}

void Program::stop(int64_t ms) {
  if (!running()) return;
  ::kill(pid_, SIGTERM);
  const int64_t until_us = system_clock().mono_us() + ms * 1000;
  // Also when we are interrupted: it has to go before we do.
  while (!wait(50) && system_clock().mono_us() < until_us) {
  }
  if (running()) ::kill(pid_, SIGKILL);
  while (!wait(1000)) {
  }
}

std::string Program::output() const {
  return text_in(output_);
}

std::string Program::errors() const {
  return text_in(errors_);
}

std::string Program::last_error() const {
  std::string text = errors();
  text.erase(text.find_last_not_of(" \r\n") + 1);
  return text.substr(text.find_last_of('\n') + 1);
}

Result<void> adopt_orphans() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return errno_error("PR_SET_CHILD_SUBREAPER");
  return {};
}

std::set<pid_t> children() {
  namespace fs = std::filesystem;
  std::set<pid_t> out;
  std::error_code error;
  for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const std::string pid = at->path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    // PID (NAME) STATE PARENT …, and a name may have anything in it.
    std::ifstream file(at->path() / "stat");
    std::string stat((std::istreambuf_iterator<char>(file)), {});
    std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
    std::string state;
    pid_t parent = 0;
    if (fields >> state >> parent && parent == ::getpid()) out.insert(std::stoi(pid));
  }
  return out;
}

void end_children_but(const std::set<pid_t>& these) {
  for (bool any = true; any;) {
    any = false;
    for (const pid_t pid : children()) {
      if (these.count(pid) != 0) continue;
      any = true;
      // Until it is waited for, the number is this child's and nobody else's.
      ::kill(pid, SIGKILL);
      while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  }
}

Result<Program> run_program(const CommandLine& line, int64_t ms) {
  auto program = Program::start(line);
  if (!program) return program;
  if (!program->wait(ms)) {
    program->stop(1000);
    return Unexpected(line.words[0] + " took longer than " + std::to_string(ms / 1000) + " s");
  }
  if (program->code() == kCannotStart) return Unexpected(line.words[0] + ": " + program->last_error());
  return program;
}

}  // namespace headgate::preflight

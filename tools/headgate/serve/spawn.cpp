// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spawn.h"

#include <base/io.h>
#include <common/listeners.h>
#include <common/options.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

extern char** environ;

namespace headgate::serve {
namespace {

constexpr char kListenPid[] = "LISTEN_PID=";
constexpr int kExecFailed = 127;
constexpr int kBackgroundNice = 19;
// The last of those that still get their turn: what is locked by who gets none would wait for ever.
// (ioprio_set(2); linux/ioprio.h is no C++: class "best effort", level 7, of a process.)
constexpr int kBackgroundIo = 2 << 13 | 7, kIoOfProcess = 1;

// By number: glibc 2.36 declares these without extern "C".
int open_pidfd(int pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0u));
}

// Everything the child needs is made before fork(); between fork() and exec it only makes system calls.
struct Prepared {
  std::vector<std::string> environment_text;
  std::vector<char*> arguments, environment;
  char listen_pid[sizeof kListenPid + 16] = "";
  UniqueFd input;
};

bool same_name(const std::string& a, const std::string& b) {
  return a.substr(0, a.find('=')) == b.substr(0, b.find('='));
}

Result<void> prepare(const Program& program, Prepared& out) {
  for (char** variable = environ; *variable; ++variable) {
    std::string text = *variable;
    bool replaced = std::any_of(program.environment.begin(), program.environment.end(),
                                [&](const std::string& one) { return same_name(one, text); });
    // What the service manager has told this process is for nobody else.
    bool ours =
        text.starts_with("LISTEN_") || text.starts_with("NOTIFY_SOCKET=") || text.starts_with("WATCHDOG_");
    if (!replaced && !ours) out.environment_text.push_back(text);
  }
  for (const std::string& variable : program.environment) out.environment_text.push_back(variable);
  if (!program.listeners.empty()) {
    out.environment_text.push_back("LISTEN_FDS=" + std::to_string(program.listeners.size()));
    out.environment_text.push_back("LISTEN_FDNAMES=" + tools::listener_names(program.listener_names));
    out.environment.push_back(out.listen_pid);
  }
  for (std::string& text : out.environment_text) out.environment.push_back(text.data());
  out.environment.push_back(nullptr);
  out.arguments.push_back(const_cast<char*>(program.path.c_str()));
  for (const std::string& argument : program.arguments)
    out.arguments.push_back(const_cast<char*>(argument.c_str()));
  out.arguments.push_back(nullptr);
  auto input = program.input.empty() ? open_file("/dev/null", O_RDWR) : tools::input_with(program.input);
  if (!input) return Unexpected(input.error());
  out.input = *std::move(input);
  return {};
}

void write_pid(char* text) {
  std::memcpy(text, kListenPid, sizeof kListenPid);
  char digits[16];
  int count = 0;
  for (int pid = ::getpid(); pid > 0; pid /= 10) digits[count++] = static_cast<char>('0' + pid % 10);
  char* at = text + sizeof kListenPid - 1;
  while (count > 0) *at++ = digits[--count];
  *at = 0;
}

[[noreturn]] void become(const Program& program, Prepared& prepared, int parent) {
  ::setsid();
  if (program.ends_with_us) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != parent) ::_exit(kExecFailed);  // it had ended before
  }
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);  // nothing that it starts gets more rights than it has
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(prepared.input.get(), STDIN_FILENO);
  ::dup2(program.output >= 0 ? program.output : STDERR_FILENO, STDOUT_FILENO);  // ours is for our reports
  if (program.errors_in_output) ::dup2(STDOUT_FILENO, STDERR_FILENO);
  if (program.background) {
    ::setpriority(PRIO_PROCESS, 0, kBackgroundNice);
    ::syscall(SYS_ioprio_set, kIoOfProcess, 0, kBackgroundIo);
  }
  int wanted = static_cast<int>(program.listeners.size());
  // Out of the way first: one of them may sit where another goes.
  int above = tools::kFirstListenFd + wanted;
  int moved[64];
  for (int i = 0; i < wanted; ++i)
    moved[i] = ::fcntl(program.listeners[static_cast<size_t>(i)], F_DUPFD, above);
  for (int i = 0; i < wanted; ++i) ::dup2(moved[i], tools::kFirstListenFd + i);
  ::syscall(SYS_close_range, static_cast<unsigned>(above), ~0u, 0u);
  if (wanted > 0) write_pid(prepared.listen_pid);
  ::execve(program.path.c_str(), prepared.arguments.data(), prepared.environment.data());
  ::_exit(kExecFailed);
}

}  // namespace

void give(Program& program, Words words) {
  program.arguments = std::move(words.arguments);
  program.input = tools::lines_of(words.secret);
  if (!words.secret.empty())
    program.arguments.insert(program.arguments.end(), {tools::kArgumentsFrom, tools::kStandardInput});
}

Result<Process> spawn(const Program& program) {
  if (program.listeners.size() > 64) return Unexpected("too many listeners for one program");
  Prepared prepared;
  if (auto ready = prepare(program, prepared); !ready) return Unexpected(ready.error());
  const int parent = ::getpid();
  int pid = ::fork();
  if (pid < 0) return errno_error("fork for " + program.path);
  if (pid == 0) become(program, prepared, parent);
  Process out{pid, UniqueFd(open_pidfd(pid)), true};
  if (!out.pidfd) return errno_error("pidfd_open");
  return out;
}

Result<Process> adopt(int pid) {
  Process out{pid, UniqueFd(open_pidfd(pid)), false};
  if (!out.pidfd) return errno_error("pidfd_open " + std::to_string(pid));
  return out;
}

int collect(const Process& process) {
  siginfo_t info{};
  // One that was adopted may be ours all the same: of the supervisor that this process was before.
  if (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(process.pidfd.get()), &info, WEXITED) != 0)
    return -1;
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

void send_signal(const Process& process, int signal) {
  if (process.pidfd) ::syscall(SYS_pidfd_send_signal, process.pidfd.get(), signal, nullptr, 0u);
}

}  // namespace headgate::serve

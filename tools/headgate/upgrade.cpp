// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate upgrade: has a running node take the programs that are on disk now (docs/upgrade.md), and tells
// how far it is.
#include <base/clock.h>
#include <base/io.h>
#include <common/options.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "commands.h"
#include "serve/upgrade_report.h"

namespace headgate::cli {
namespace {

using serve::UpgradeReport;
using ProcessState = UpgradeReport::Process::State;

constexpr char kServiceRuntimeDir[] = "/run/headgate";  // of the systemd unit
constexpr unsigned kLookUs = 50'000;
constexpr int64_t kTakenS = 10;        // from the request to its being taken
constexpr int64_t kAfterTrialS = 120;  // without --timeout
constexpr int64_t kUntoldTrialS = 60;  // of a node that does not say how long its trial may take

struct Arguments {
  std::string data, runtime_dir;
  int64_t timeout_s = 0;  // 0: as long as the trial may take, and kAfterTrialS
  bool wait = false;
};

Result<Arguments> parse_arguments(int argc, char** argv) {
  Arguments out;
  tools::Options options(
      "",
      "Has a running node take the programs, settings and pipeline descriptions that are on disk now,\n"
      "wholly or not at all. No connection of a publisher is closed, no frame is lost, no player stalls;\n"
      "pipelines of the node's own are begun anew when their program is another.",
      "Exit code 0: new processes serve (old ones may have sessions that go on until they end). 1: no node\n"
      "runs, or it has not finished in time. 3: what is on disk was refused, or needs a restart, and\n"
      "nothing has been changed. 4: a process could not be replaced, and the one before it goes on, or\n"
      "runs again.");
  options
      .text("data", out.data, "DIR",
            "the node's data folder, as given to `headgate serve` (default: the service's)")
      .text("runtime-dir", out.runtime_dir, "DIR", "if the node was given one")
      .flag("wait", out.wait, "also until the old processes have ended")
      .number("timeout", out.timeout_s, 1, 7 * 86'400, "S",
              "give up waiting, the node goes on (default: as long as its trial may take, and 120)");
  auto rest = options.parse(argc, argv);
  if (!rest) return Unexpected(rest.error());
  if (!rest->empty()) return Unexpected("unexpected argument '" + rest->front() + "'");
  const char* runtime = std::getenv("RUNTIME_DIRECTORY");
  if (out.runtime_dir.empty() && runtime) out.runtime_dir = runtime;
  if (out.runtime_dir.empty()) out.runtime_dir = out.data.empty() ? kServiceRuntimeDir : out.data + "/run";
  return out;
}

// Its number may be another process's by now: whoever holds the lock is asked.
Result<void> expect_a_node(const std::string& runtime_dir) {
  const std::string path = runtime_dir + "/supervisor.lock";
  auto fd = open_file(path, O_RDWR);
  if (!fd) return Unexpected("no node runs at " + runtime_dir + ": " + fd.error().message);
  if (::flock(fd->get(), LOCK_EX | LOCK_NB) == 0)
    return Unexpected("no node runs at " + runtime_dir + ": nobody holds " + path);
  return errno == EWOULDBLOCK ? Result<void>() : Result<void>(errno_error("lock " + path));
}

std::string line_of(const UpgradeReport::Process& process) {
  std::string out = process.name;
  if (process.was != 0 && process.was != process.pid) out += " (" + std::to_string(process.was) + " before)";
  if (process.pid != 0) out += " " + std::to_string(process.pid);
  out += std::string(": ") + name_of(process.state);
  if (process.state == ProcessState::retiring)
    out += process.sessions == serve::kUnknownSessions
               ? ", speaks another protocol: its sessions are not known"
               : ", " + std::to_string(process.sessions) + " sessions";
  return out;
}

class Follower {
 public:
  // Once: that there is a trial, and how long it may take. Each process once in each state; the number of
  // sessions only on a terminal, where it is told in place.
  void show(const UpgradeReport& report) {
    if (report.state == UpgradeReport::State::checking && report.trial_s > 0 && !std::exchange(trial_, true))
      std::printf("the programs on disk are tried, for %lld s at most\n",
                  static_cast<long long>(report.trial_s));
    for (const auto& process : report.processes) {
      auto [told, first] = told_.try_emplace(process.name, process.state);
      if (!first && told->second == process.state) continue;
      told->second = process.state;
      std::printf("%s\n", line_of(process).c_str());
    }
    std::fflush(stdout);
  }

 private:
  bool trial_ = false;  // was told
  std::map<std::string, ProcessState> told_;
};

int code_of(const UpgradeReport& report) {
  if (report.state == UpgradeReport::State::refused) return 3;
  return report.state == UpgradeReport::State::failed ? 4 : 0;
}

bool has_retiring(const UpgradeReport& report) {
  for (const auto& process : report.processes)
    if (process.state == ProcessState::retiring) return true;
  return false;
}

int64_t now_s() {
  return system_clock().mono_us() / 1'000'000;
}

}  // namespace

int run_upgrade(int argc, char** argv) {
  auto arguments = parse_arguments(argc, argv);
  if (!arguments) return complain(2, argv[0], arguments.error().message);
  const std::string path = arguments->runtime_dir + "/" + serve::kUpgradeFile;
  if (auto node = expect_a_node(arguments->runtime_dir); !node)
    return complain(1, argv[0], node.error().message);
  auto before = serve::read_upgrade_report(path);
  if (!before) return complain(1, argv[0], before.error().message);
  const bool joined = !before->over();
  const uint64_t number = before->number + (joined ? 0 : 1);
  if (joined)
    std::puts("an upgrade is under way");
  else if (::kill(before->pid, SIGUSR2) != 0)
    return complain(1, argv[0], "cannot signal " + std::to_string(before->pid) + ": " + std::strerror(errno));

  Follower follower;
  const int64_t began_s = now_s();
  int64_t patience_s = arguments->timeout_s > 0 ? arguments->timeout_s : kAfterTrialS + kUntoldTrialS;
  for (bool taken = joined;;) {
    auto report = serve::read_upgrade_report(path);
    if (report && report->number >= number) {
      if (arguments->timeout_s == 0)
        patience_s = kAfterTrialS + (report->trial_s > 0 ? report->trial_s : kUntoldTrialS);
      taken = true;
      follower.show(*report);
      if (report->over() && code_of(*report) != 0)
        return complain(code_of(*report), argv[0],
                        std::string(name_of(report->state)) + ", what ran before goes on: " + report->reason);
      if (report->over() && !(arguments->wait && has_retiring(*report))) return 0;
    }
    if (!taken && now_s() - began_s >= kTakenS)
      return complain(1, argv[0], "the node does not take the request (does it start just now?)");
    if (now_s() - began_s >= patience_s)
      return complain(1, argv[0], "not finished in time; `headgate status` tells how it goes on");
    ::usleep(kLookUs);
  }
}

}  // namespace headgate::cli

// SPDX-License-Identifier: LGPL-2.1-or-later
// What is told of an upgrade: `upgrade.json` in the runtime folder, written by the supervisor, read by
// `headgate upgrade` and by the supervisor that comes after it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <base/result.h>

namespace headgate::serve {

inline constexpr int64_t kUnknownSessions = -1;  // of one that speaks another protocol

struct UpgradeReport {
  enum class State {
    none,      // there has been none
    checking,  // the programs on disk are tried; nothing has been changed
    running,   // processes are replaced
    done,
    refused,  // the programs on disk were tried and not taken: nothing has been changed
    failed,   // a process could not be replaced: the one before it goes on
  };
  struct Process {
    enum class State { kept, starting, serves, retiring, ended, failed };
    std::string name;      // "gate", "worker-3"
    int pid = 0, was = 0;  // of the new one; of the one that it replaces; 0: none
    State state = State::kept;
    int64_t sessions = 0;  // of a worker; kUnknownSessions
  };

  int pid = 0;  // of the supervisor: SIGUSR2 asks it
  uint64_t number = 0;
  State state = State::none;
  std::string reason;   // of refused and failed
  std::string version;  // of the supervisor
  int64_t since_utc_us = 0;
  int64_t trial_s =
      0;  // that the trial may take at most; 0: there was none, or a version has it that does not say
  std::vector<Process> processes;

  bool over() const { return state != State::checking && state != State::running; }
  std::string json() const;
};

inline constexpr char kUpgradeFile[] = "upgrade.json";
const char* name_of(UpgradeReport::State state);
const char* name_of(UpgradeReport::Process::State state);
Result<UpgradeReport> read_upgrade_report(const std::string& path);

}  // namespace headgate::serve

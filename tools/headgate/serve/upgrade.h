// SPDX-License-Identifier: LGPL-2.1-or-later
// Replaces a node's programs while it runs (docs/upgrade.md): tries what is on disk, makes the supervisor
// become it, and then puts a new process beside each old one, which retires when the new one serves. What
// cannot be replaced goes on as it was. In the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <base/loop.h>
#include <common/actor.h>

#include "check.h"
#include "children.h"
#include "description_watch.h"
#include "restart_in_place.h"
#include "running_node.h"
#include "tasks.h"
#include "upgrade_exec.h"
#include "upgrade_record.h"
#include "upgrade_report.h"
#include "workers.h"

namespace headgate::serve {

inline constexpr int64_t kReplaceMs = 25'000;  // from a process' start until it serves
inline constexpr int64_t kGiveBackMs = 3000;   // for one that is not wanted to end
inline constexpr int64_t kReportMs = 500;      // how old what is told of sessions may be

class Upgrade {
 public:
  struct Node {
    std::string runtime_dir;
    std::function<Program(const std::string& role, int number)> program_of;
    // Becomes the program on disk; returns what went wrong.
    std::function<Result<void>(const Self& self)> become;
    std::function<void(const tools::Actor& actor)> began;  // as that one wanted
    std::function<void()> ended;                           // with what report() says
    std::function<RunningNode()> runs;                     // what the trial is held against
    std::function<void(const std::string& role)> start;    // fills a place that is restarted
    std::function<void(Child& child)> replaced;            // another one has its place, and it retires
  };
  Upgrade(Loop& loop, Node node, Children& children, Workers& workers, Tasks& tasks,
          DescriptionWatch& descriptions);
  ~Upgrade();
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;

  // The runtime folder is there, and no other supervisor: who asks finds out whom.
  void announce();
  // What was found running is known: who was retiring goes on doing so.
  void adopted() { record_.adopted(); }
  // False, and nothing happens, while one is under way, or before go_on().
  bool request(const tools::Actor& actor);
  // The node runs. Of an upgrade that the supervisor before has begun, what is left is done.
  void go_on();
  void changed(const Child& child);  // what Child::Events told
  void retires(const Child& child);  // outside of an upgrade: it was told to
  void stop();
  const UpgradeReport& report() const { return record_.report(); }
  // What is to be started in a place: what is on disk, or the program before that did not let itself be
  // replaced.
  Program as_it_runs(const std::string& role, Program on_disk) const {
    return restart_.as_it_runs(role, std::move(on_disk));
  }

 private:
  using State = UpgradeReport::State;
  using Process = UpgradeReport::Process;
  void tried(const CheckEnd& end);
  void replace_next();
  void replace_only(const std::string& role);
  void replace_workers();
  void restart(const std::string& role);
  void only_serves();
  void workers_serve();
  void fail(const std::string& reason);
  void give_back();
  void finish(State state, const std::string& reason = "");
  void settle_aside();
  void next_step(void (Upgrade::*step)());

  Loop& loop_;
  const Node node_;
  Children& children_;
  Workers& workers_;
  Tasks& tasks_;
  DescriptionWatch& descriptions_;
  UpgradeRecord record_;
  bool ready_ = false, stopped_ = false;
  std::vector<std::string> roles_;  // still to be looked at, the last one first
  // What is being replaced, by the names of their sockets; empty: nothing.
  std::string fresh_, aside_;
  std::vector<std::string> fresh_workers_, old_workers_;
  RestartInPlace restart_;
  std::string problem_;  // why what is new is being given back
  Loop::TimerId timer_ = 0, report_timer_ = 0;
};

}  // namespace headgate::serve

// SPDX-License-Identifier: LGPL-2.1-or-later
// `headgate serve`: owns the listening sockets, the children and the policy. No media and no byte of a
// publisher or viewer comes here.
//
// Start: (1) take over what an earlier supervisor has left running, with its sockets; (2) open the sockets
// that are missing; (3) check the pipeline descriptions in a child; (4) start what is missing; (5) recover
// the archive beside it, in a child that gives way. docs/node.md says what happens when which process dies.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <base/loop.h>
#include <common/socket_watch.h>

#include "child_events.h"
#include "children.h"
#include "config.h"
#include "description_watch.h"
#include "draining.h"
#include "ending.h"
#include "gate_keys.h"
#include "handover.h"
#include "instances.h"
#include "listeners.h"
#include "node_events.h"
#include "operations.h"
#include "policy.h"
#include "recovery.h"
#include "reload.h"
#include "reports.h"
#include "start_checks.h"
#include "succession.h"
#include "tasks.h"
#include "trial.h"
#include "upgrade.h"
#include "workers.h"

namespace headgate::serve {

class Supervisor {
 public:
  Supervisor(Loop& loop, Config config);
  ~Supervisor();
  // The runtime folder, its lock, the running children. Fails when another supervisor lives.
  Result<void> start();
  void stop(const tools::Actor& actor);
  // Replaces the node's programs by those on disk (docs/upgrade.md). Files are read again as by reload().
  // False: one is under way, or the node starts.
  bool upgrade(const tools::Actor& actor);
  // `headgate serve --check`: without touching the node, whether its programs can be started with these
  // settings. The loop ends; exit_code() is 0 if they can, and standard output has the reason if not.
  void check();
  // Files that may change while the node runs; they are looked at without it as well.
  void reload(const tools::Actor& actor);
  int exit_code() const { return exit_code_; }

 private:
  Program program_of(const std::string& role, int number) const;
  RunningNode runs() const;
  Result<void> open_listeners();
  void give_registry(Program& program) const;
  Program helper_program(const std::string& name, Words words) const;
  void open_and_check();
  void tell_death();
  void start_children();
  void fail(const std::string& reason);

  void on_changed(Child& child);
  void on_ended(const std::string& name);
  void set_apart(Child& child);
  void let_go(Child& child);
  void on_message(Child& child, const wire::Message& message, std::vector<UniqueFd> fds);
  void on_operate(const wire::Operate& request);
  void add_verbs();
  void kick(const Arguments& arguments, const Operations::Done& done);
  void drain(const Arguments& arguments, const Operations::Done& done);
  void undrain(const Arguments& arguments, const Operations::Done& done);
  void drain_worker(const Arguments& arguments, const Operations::Done& done);
  void release(const Arguments& arguments, const Operations::Done& done);
  void tell_drained();                                // once, when a drained node has nobody left
  Child* find_worker(std::optional<int64_t> number);  // null: it does not run
  void report(const Child& child, const wire::Status& status);
  void announce();  // to the origin, to control, to node.json
  void report_ready();
  std::string node_json() const;

  Loop& loop_;
  Config config_;
  NodeListeners listeners_;
  NodeEvents events_;
  ChildEvents child_events_;
  Operations operations_;
  Draining draining_;
  GateKeys gate_keys_;
  Children children_;
  Workers workers_;
  Tasks tasks_;
  Succession succession_;
  Handover handover_;
  DescriptionWatch descriptions_;
  StartChecks start_checks_;
  Recovery recovery_;
  CloseLooks looks_;
  Reports reports_;
  Policy policy_;
  Instances instances_;
  Reload reload_;
  Upgrade upgrade_;
  Trial trial_;
  Ending ending_;
  std::unique_ptr<tools::SocketWatch> watch_;
  Loop::TimerId watchdog_timer_ = 0;
  bool running_ = false;  // start_children() was called
  bool ready_ = false;    // and said so
  bool stopping_ = false;
  bool srt_closed_ = false;  // by the settings: a gate that retires lets nobody in over it any more
  int64_t since_utc_us_;
  int exit_code_ = 0;
};

}  // namespace headgate::serve

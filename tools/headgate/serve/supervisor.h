// SPDX-License-Identifier: LGPL-2.1-or-later
// `headgate serve`: owns the listening sockets, the children and the policy. No media and no byte of a
// publisher or viewer comes here.
//
// Start: (1) take over what an earlier supervisor has left running, with its sockets; (2) open the sockets
// that are missing; (3) check the pipeline descriptions in a child; (4) start what is missing; (5) recover
// the archive beside it, in a child that gives way. docs/node.md says what happens when which process dies.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <base/loop.h>
#include <common/socket_watch.h>

#include "child.h"
#include "config.h"
#include "descriptions.h"
#include "listeners.h"
#include "room.h"
#include "task.h"

namespace headgate::serve {

inline constexpr int64_t kAdoptMs = 2000;        // for running children to hand their sockets over
inline constexpr int64_t kWorkersStopMs = 3900;  // then they are killed
inline constexpr int64_t kOthersStopMs = 500;
inline constexpr int64_t kDrainedMs = 2000;  // without a session; longer than somebody may be on the way
// From the end of a recovery to the next. A session recovers its station's last run by itself; this is for
// the stations that do not come back, and it looks at every run there is.
inline constexpr int64_t kRecoverPauseMs = 60'000;
inline constexpr int64_t kLookMs = 1000;  // at the folder of descriptions
inline constexpr size_t kMaxReasonBytes = 2000;

class Supervisor {
 public:
  Supervisor(Loop& loop, Config config);
  ~Supervisor();
  // The runtime folder, its lock, the running children. Fails when another supervisor lives.
  Result<void> start();
  void stop();
  void reload();  // files that may change while the node runs; they are looked at without it as well
  int exit_code() const { return exit_code_; }

 private:
  struct Load {
    uint32_t sessions = 0, capacity = 0;
    bool accepting = false;
    int64_t drained_ms = 0;  // since when it takes nothing more, mono; 0: it does
  };

  Result<void> lock();
  Child& place(const std::string& role, int number = -1);
  Program program_of(const std::string& role, int number) const;
  Program helper_program(const std::string& name, std::vector<std::string> arguments) const;
  void on_name(const std::string& name);
  void take_listeners(const std::vector<std::string>& names, std::vector<UniqueFd> fds);
  void open_and_check();
  void check_workers();
  // Whether workers can read what is in the descriptions' folder; then they do.
  void check_descriptions(std::function<void(bool good)> done);
  void look_at_descriptions();
  std::string descriptions_json() const;
  void start_children();
  void recover();  // now, or when the present one and its pause are over
  void on_recovered(int code);
  std::string recovery_json() const;
  void run_task(Program program, std::function<void(int)> done, Task::OnLine on_line = {});
  void fail(const std::string& reason);

  void on_changed(Child& child);
  void on_died(Child& child);
  void on_message(Child& child, const wire::Message& message, std::vector<UniqueFd> fds);
  void keep_room();  // more workers before the present ones are full, fewer when they have long been too many
  void drain_spare(int64_t workers);
  void end_drained();
  void announce();  // to the origin, to node.json
  void report_ready();
  std::string node_json() const;

  void stop_origin();
  bool any_running(bool origin) const;

  Loop& loop_;
  Config config_;
  UniqueFd lock_;
  NodeListeners listeners_;
  Descriptions descriptions_;
  std::string refused_;  // what is wrong with the descriptions' folder; empty: nothing
  bool checking_ = false;
  Loop::TimerId look_timer_ = 0;
  std::unique_ptr<tools::SocketWatch> watch_;
  std::map<std::string, std::unique_ptr<Child>> children_;  // by socket name
  std::map<std::string, Load> loads_;                       // of workers that run and have told
  Room room_;
  std::map<int, std::unique_ptr<Task>> tasks_;
  int last_task_ = 0;
  int waiting_listeners_ = 0;  // adopted children that were asked for their sockets
  Loop::TimerId adopt_timer_ = 0, stop_timer_ = 0, watchdog_timer_ = 0;
  bool running_ = false;  // start_children() was called
  bool ready_ = false;    // and said so
  bool stopping_ = false, origin_stopping_ = false;
  bool recovering_ = false, recover_again_ = false;
  int recovery_code_ = 0;                          // of the last one
  uint64_t stations_done_ = 0, stations_all_ = 0;  // of the present or last one, as far as told
  Loop::TimerId recover_timer_ = 0;                // the pause after one
  int64_t since_utc_us_;
  int exit_code_ = 0;
};

}  // namespace headgate::serve

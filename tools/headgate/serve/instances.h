// SPDX-License-Identifier: LGPL-2.1-or-later
// Pipelines that the node runs by itself: a file NAME.conf each, in a folder that is looked at each second.
// Each is a process of its own (headgate-pipeline) in the place "pipeline-NAME" of Children; one that fails
// is started again as its description's "restart" says, and so is one that takes more than its "resources".
// A file that comes, changes or goes starts, replaces or ends its pipeline; one that is wrong changes nothing
// for what runs. In the loop's thread.
//
//   [pipeline]
//   description=videobox
//   [parameters]
//   station=7
#pragma once

#include <pipeline/backoff.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <base/clock.h>
#include <base/loop.h>
#include <wire/messages.h>

#include "children.h"
#include "guard.h"
#include "instance_file.h"
#include "node_events.h"

namespace headgate::serve {

inline constexpr int64_t kInstancesLookMs = 1000;

class Instances {
 public:
  // `changed`: what json() says is another.
  Instances(Loop& loop, const Clock& clock, CloseLooks& looks, Children& children, NodeEvents& events,
            InstanceNode node, std::function<void()> changed);
  ~Instances();
  Instances(const Instances&) = delete;
  Instances& operator=(const Instances&) = delete;

  void start();  // what was running is known, and children may be started
  void stop();
  // Now. `anew`: also what is over or refused is tried again, as an operator who says "reload" expects.
  void look(bool anew = false);
  void look_at_use();                           // once a second: who takes more than he may is ended
  void keep();                                  // what should run does
  void try_again(const std::string& instance);  // also when it is over

  bool note();  // processes may have begun or become ready; true: json() says that a state is another
  // Child::Events. Those that are no instance's are passed over.
  std::optional<int64_t> pause(const Child& child, int code, int64_t lived_ms);
  void told(const Child& child, const wire::Message& message);

  Words words(const std::string& instance) const;  // of headgate-pipeline
  // Of headgate-pipeline, by instance: whether each of the files could be run with the descriptions in that
  // folder. An error is a file's that is wrong, or the folder's.
  Result<std::map<std::string, Words>> checks(const std::string& descriptions);
  std::string json() const;  // NODE's `instances`

 private:
  struct One {
    std::string file;                          // as it was looked at: size, time
    std::optional<WantedInstance> wanted;      // the last that was right; none: never
    std::string problem;                       // of the file as it is; empty: none
    std::optional<pipeline::Backoff> backoff;  // of `wanted`
    std::string over;                          // ended, given-up; empty: it is to run
    std::string line;                          // what it says of itself
    int64_t waits_until_us = 0;                // likewise: UTC, until its next time; 0: it does not wait
    std::string error;                         // likewise: why its run has failed
    int64_t idle_ms = 0;                       // likewise: of that run, before it was seen that nothing flows
    std::optional<ProcessWatch> watch;         // of its process
    std::string excess;                        // what that was asked to end for
    std::string last_end;                      // how and why it ended last; empty: it has not
    int64_t last_end_us = 0, next_start_us = 0;  // UTC; the latter while it waits for a start
    std::string state;                           // as it was seen last
    int64_t since_us = 0;                        // UTC, that it is so
  };
  using Files = std::map<std::string, std::string>;  // by instance: size and time
  Files files();
  void take(const std::string& instance, One& one);
  Child* child_of(const std::string& instance) const;
  void end_for(const std::string& instance, One& one, Child& child, const ProcessWatch::Excess& excess);
  std::string state_of(const std::string& instance, const One& one) const;
  void enter(One& one, std::string state) const;
  std::string json_of(const std::string& instance, const One& one) const;
  int64_t now_ms() const { return clock_.mono_us() / 1000; }

  Loop& loop_;
  const Clock& clock_;
  CloseLooks& looks_;
  Children& children_;
  NodeEvents& events_;
  InstanceNode node_;
  const std::function<void()> changed_;
  std::map<std::string, One> all_;
  std::string folder_problem_;
  bool told_ = true;  // what json() says
  Loop::TimerId timer_ = 0;
};

// Of a process that runs an instance: its name; empty: it is another process.
std::string instance_of(const Child& child);

}  // namespace headgate::serve

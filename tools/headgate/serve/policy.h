// SPDX-License-Identifier: LGPL-2.1-or-later
// What the supervisor does by itself about its node: workers that stand still or take too much are replaced,
// input that ends workers is put in quarantine, a machine without room takes no new stations, a clock that
// steps is told. Looks once a second, in the loop's thread; what it finds is told as events and in NODE.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <base/clock.h>
#include <base/loop.h>
#include <base/unique_fd.h>
#include <wire/messages.h>

#include "capacity.h"
#include "capacity_reading.h"
#include "children.h"
#include "clock_watch.h"
#include "guard.h"
#include "node_events.h"
#include "quarantine.h"
#include "worker_counts.h"
#include "workers.h"

namespace headgate::serve {

inline constexpr int64_t kPolicyLookMs = 1000;
inline constexpr int64_t kTellNodeMs = 10'000;  // NODE has the measures as they were so long ago at most
inline constexpr int64_t kEndedMs = 6000;       // from a worker's request to end to its end

struct PolicyLimits {
  CapacityLimits capacity;
  WorkerLimits worker;
  int64_t grace_ms = 0;  // streams wait so long for their publishers, unless their description says
};

class Policy {
 public:
  // `changed`: what NODE says of it is another.
  // `looks` outlives it.
  Policy(Loop& loop, const Clock& clock, CloseLooks& looks, Children& children, Workers& workers,
         NodeEvents& events, const std::string& data, std::string runtime_dir, const PolicyLimits& limits,
         std::function<void()> changed);
  ~Policy();
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  void start();  // the node's children may be started now
  void stop();

  // Child::Events.
  void changed(const Child& child);
  void died(const Child& child);
  void told(const Child& child, const wire::Message& message, std::vector<UniqueFd>& fds);
  // What a worker may take, from now on.
  void limit(const WorkerLimits& limits);
  // An operator's word; false: the station is not in quarantine.
  bool release(uint32_t event, uint32_t station, const tools::Actor& actor);
  // NODE's.
  std::string clock_json() const { return clock_watch_.json(); }
  std::string capacity_json() const { return capacity_.json(); }
  std::string quarantine_json() const { return quarantine_.json(now_ms()); }
  std::string apart_json() const { return quarantine_.apart_json(now_ms()); }
  std::string alarms_json() const;

 private:
  struct Watched {  // a worker's process
    UniqueFd marks;
    std::optional<UsageMeter> usage;
    std::optional<WorkerHealth> health;
    int64_t sessions = 0;
    WorkerCounts counts;
    bool stopped = false;  // by a signal, as it was seen last: nobody's input
    bool still = false;    // was killed because a thread stood still
    bool ended = false;    // policy has told it to end
    int64_t ended_ms = 0;
  };
  int64_t now_ms() const { return clock_.mono_us() / 1000; }
  Watched& watched(const Child& child);
  WorkerLimits on_this_machine(WorkerLimits limits) const;
  void look();
  std::optional<double> look_at_workers();
  void look_at_worker(Child& child, Watched& worker);
  void carry_out(Child& child, Watched& worker, const WorkerVerdict& verdict);
  void look_at_capacity(std::optional<double> late_ms);
  void look_at_clock();
  void look_at_quarantine();
  void look_at_alarms();
  void took_too_much(const Child& child, const Watched& worker, const std::string& kind);
  void told_of(const std::vector<Ruling>& rulings, const tools::Actor& actor = {});
  void told_of_suspects(const Ruling& one);
  void note_storage(const wire::WorkerState& state);
  void tell_gate();

  Loop& loop_;
  const Clock& clock_;
  CloseLooks& looks_;
  Children& children_;
  Workers& workers_;
  NodeEvents& events_;
  const std::string quarantine_file_;
  PolicyLimits limits_;
  const std::function<void()> changed_;
  std::map<int, Watched> watched_;  // by process
  Quarantine quarantine_;
  Capacity capacity_;
  CapacityMeter meter_;
  ClockWatch clock_watch_;
  std::set<std::string> alarms_;  // children that end again and again
  std::string storage_;           // why the archive takes nothing; empty: it does
  std::set<int> drained_;         // own workers of stations that are released
  Loop::TimerId timer_ = 0;
  int64_t told_ms_ = 0;  // NODE
};

}  // namespace headgate::serve

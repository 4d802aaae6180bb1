// SPDX-License-Identifier: LGPL-2.1-or-later
// The worker's control plane: takes sessions from the gate, tells subscribers what happens to them. One
// thread, on a Loop; nothing here waits for a pipeline, a disk or a peer.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <base/loop.h>
#include <wire/channel.h>

#include "claims.h"
#include "description.h"
#include "session.h"

namespace headgate::worker {

struct Settings {
  uint32_t id = 0;
  std::string runtime_dir, root, node;
  uint32_t capacity = 50;
  Values parameters;        // for descriptions, beyond root and node
  Description description;  // that every session runs
  ClaimRules claims;
};

inline constexpr int64_t kStopMs = 4700;     // from the request to stop to the end of the process
inline constexpr int64_t kStuckMs = 20'000;  // a state change that takes longer: no new sessions
inline constexpr int64_t kTickMs = 1000;     // space, stuck reaper, status

class Worker {
 public:
  Worker(Loop& loop, Settings settings);
  ~Worker();
  // Listens on worker-<id>.sock. `settings` has been checked: every description builds.
  Result<void> start();
  // Ends all sessions, then stops the loop.
  void stop();
  // After the loop has stopped: whether sessions were left that could not be ended.
  bool stuck() const;

  // A description's pipeline for this worker's parameters.
  static Result<PipelinePtr> build(const Settings& settings, const Description& description);

 private:
  struct Subscriber {
    std::unique_ptr<wire::Channel> channel;
    std::string role;  // empty: has not said Hello yet
  };
  struct Pending {  // waits for its station's former session to close
    wire::Handoff handoff;
    UniqueFd connection;
  };
  using Station = std::pair<uint32_t, uint32_t>;  // event, station

  void accept(std::unique_ptr<wire::Channel> channel);
  void on_message(Subscriber& from, wire::Message message, std::vector<UniqueFd> fds);
  void greet(Subscriber& subscriber);
  void take(wire::Handoff handoff, UniqueFd connection);
  void begin(const wire::Handoff& handoff, UniqueFd connection);
  void refuse(const wire::Handoff& handoff, const std::string& reason);
  std::string reason_to_refuse(const wire::Handoff& handoff);
  void kick(const wire::Kick& kick);
  void on_events(std::vector<BusEvent> events);
  void on_records(Session& session, const RecordsEvent& event,
                  std::map<uint64_t, wire::StreamRecords>& batches);
  void hold_to_codecs(Session& session, Bytes record);
  void hold_to_rate(Session& session);
  void end_at_fault(Session& session, const std::string& reason);
  void on_closed(uint64_t session, const std::string& reason);
  void tick();
  void tell(const wire::Message& message, std::initializer_list<std::string_view> roles);
  void tell_state();
  wire::WorkerState state() const;
  std::string status_json() const;
  std::string unfit() const;  // why no session is accepted; empty: accepting
  Session* find(uint64_t session);

  Loop& loop_;
  Settings settings_;
  Reaper reaper_;
  std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<wire::Acceptor> acceptor_;
  std::set<std::unique_ptr<Subscriber>> subscribers_;
  std::map<uint64_t, std::unique_ptr<Session>> sessions_;
  std::map<uint64_t, Claims> claims_;  // of sessions_
  std::map<Station, uint64_t> running_;
  std::map<Station, Pending> pending_;
  std::map<Station, std::deque<int64_t>> errors_;  // when sessions failed, mono µs, within the last minute
  Loop::TimerId tick_ = 0;
  wire::WorkerState told_;  // the last one sent
  std::string space_;       // why the volume takes nothing; empty: it does
  bool draining_ = false;
  bool stopping_ = false;
  uint64_t opened_ = 0, failed_ = 0;  // sessions since start
};

}  // namespace headgate::worker

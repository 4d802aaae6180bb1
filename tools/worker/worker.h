// SPDX-License-Identifier: LGPL-2.1-or-later
// The worker's control plane: takes sessions from the gate, tells subscribers what happens to them. One
// thread, on a Loop; nothing here waits for a pipeline, a disk or a peer.
#pragma once

#include <feed/record_batches.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <base/loop.h>
#include <wire/audience.h>

#include "admission.h"
#include "claims.h"
#include "description.h"
#include "fills.h"
#include "fitness.h"
#include "numbers.h"
#include "rung_limit.h"
#include "session.h"
#include "session_marks.h"

namespace headgate::worker {

inline constexpr int64_t kStopMs = 4700;  // from the request to stop to the end of the process
inline constexpr int64_t kTickMs = 1000;  // the archive, the reaper, status
// A returning publisher waits so long for its station's last session to end (kEndMs and some).
inline constexpr int64_t kPendingMs = 6000;
inline constexpr int64_t kOnItsWayMs = 1000;
// A state change that takes longer: this process cannot end sessions any more and is given up.
inline constexpr int64_t kStuckMs = 20'000;
// From there on what runs may go on for so long, then the process ends in spite of it.
inline constexpr int64_t kGiveUpMs = 60'000;
// When nothing runs any more, sessions on their way out have so long to be closed (kEndMs and some): their
// publishers are told, their runs get their last lines.
inline constexpr int64_t kLastWordsMs = 6000;

struct Settings {
  uint32_t id = 0;
  std::string runtime_dir, root, node;
  uint32_t capacity = 50;
  Values parameters;        // for descriptions, beyond root and node
  Description description;  // that every session runs
  ClaimRules claims;
  uint32_t max_rungs = 16;     // encoded at a time because viewers ask for them
  uint32_t event = 0;          // of the node's keys: whose archive is looked at
  int64_t grace_ms = 120'000;  // as the node's origin has it, where the description has none
  int64_t on_its_way_ms = kOnItsWayMs;
  int64_t pending_ms = kPendingMs, stuck_ms = kStuckMs, give_up_ms = kGiveUpMs, last_words_ms = kLastWordsMs;
};

class Worker final : private Admission::Host {
 public:
  Worker(Loop& loop, Settings settings);
  ~Worker();
  // Listens on worker-<id>.sock. `settings` has been checked: every description builds.
  Result<void> start();
  // Ends all sessions, then stops the loop.
  void stop();
  // Another worker has its place: takes nothing more, and stops the loop when what it has is over.
  void retire();
  // What sessions run that begin from now on.
  void take(Description description);
  // After the loop has stopped. Not 0: sessions were left that could not be ended, or the worker gave up.
  int exit_code() const;
  // Of the process: a crash names the session that it was for.
  void note_crashes() { marks_.note_crashes(); }
  // Sessions were left: what they wait for is not to be waited for.
  bool stuck() const { return !sessions_.empty(); }

  // A description's pipeline for this worker's parameters.
  static Result<PipelinePtr> build(const Settings& settings, const Description& description);

 private:
  // --- sessions (worker.cpp)
  void on_message(wire::Audience::Member& from, wire::Message message, std::vector<UniqueFd> fds);
  size_t sessions() const override { return sessions_.size(); }
  bool runs(const Station& station) const override { return running_.count(station) != 0; }
  void begin(const wire::Handoff& handoff, UniqueFd connection) override;
  void supersede(const Station& station) override;
  void tell_refused(const wire::Handoff& handoff, const std::string& reason) override;
  void kick(const wire::Kick& kick);
  void ask_to_reconnect(const wire::AskReconnect& ask);
  void want(const wire::WantRendition& wanted);
  void on_closed(uint64_t session, const std::string& reason);
  void fill(const Session& session, const std::string& reason);
  bool is_done() const;
  void give_up(const std::string& reason);
  bool any_running() const;  // sessions that are not on their way out
  void tick();
  Session* find(uint64_t session);
  // --- what pipelines tell (worker_events.cpp)
  void on_events(std::vector<BusEvent> events);
  void on_records(Session& session, const RecordsEvent& event, tools::RecordBatches& batches);
  void on_ladder(Session& session, const tools::LadderNews& news, tools::RecordBatches& batches);
  void note_rung(Session& session, const std::string& rendition, const playlist::RenditionRecord& record);
  void on_archive(const Session& session, const ArchiveEvent& archive);
  void look_at_record(Session& session, Bytes record);
  void hold_to_rate(Session& session);
  void end_at_fault(Session& session, const std::string& reason);
  // --- what others are told (worker_told.cpp)
  void greet(const wire::Audience::Member& member);
  Reaper::Job measure_all();
  void tell_health();
  void tell_state() override;
  void tell_status();
  wire::WorkerState state() const;
  std::string status_json() const;
  uint64_t runs_open() const;

  Loop& loop_;
  Settings settings_;
  Fitness fitness_;
  Admission admission_;
  SessionMarks marks_;  // before the reaper, which may have pipelines that count there
  Reaper reaper_;
  std::shared_ptr<Inbox> inbox_;
  wire::Audience audience_;
  std::map<uint64_t, std::unique_ptr<Session>> sessions_;
  std::map<uint64_t, Claims> claims_;  // of sessions_
  std::map<Station, uint64_t> running_;
  Fills fills_;
  RungLimit rungs_;
  Loop::TimerId tick_ = 0;
  wire::WorkerState told_;  // the last one sent
  Loop::TimerId give_up_timer_ = 0;
  bool retired_ = false;
  uint64_t opened_ = 0, failed_ = 0;  // sessions since start
  Numbers numbers_;
};

}  // namespace headgate::worker

// SPDX-License-Identifier: LGPL-2.1-or-later
// A pipeline that a node runs by itself, towards the node: the supervisor is told each second that the
// process lives, the origin what the pipeline archives, control who streams and how he is doing, as a worker
// tells it of a session. What the pipeline archives is one session a run. In the loop's thread.
#pragma once

#include <feed/history.h>
#include <feed/ladder_state.h>
#include <feed/record_batches.h>
#include <pipeline/runs.h>
#include <wire/audience.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include <base/loop.h>

namespace headgate::pipeline {

inline constexpr int64_t kTellMs = 1000;
inline constexpr int64_t kLastWordMs = 1000;  // for a supervisor that has not come yet

class NodeLink final : public RunWatch {
 public:
  struct Settings {
    std::string runtime_dir;
    std::string instance;     // its name on the node
    int64_t place = -1;       // of one connection of a pipeline that listens; -1: it is the pipeline itself
    std::string description;  // its name
    std::string settings_id;  // that the supervisor has given; it is told back
    std::string peer;         // of the connection; empty: there is none
  };
  // `on_stop`: somebody who may wants it to end.
  NodeLink(Loop& loop, Settings settings, std::function<void()> on_stop);
  ~NodeLink();
  NodeLink(const NodeLink&) = delete;
  NodeLink& operator=(const NodeLink&) = delete;

  // Fails when another process has the name.
  Result<void> listen();
  struct Says {
    std::string line;            // what runs, for people; empty: nothing does
    int64_t waits_until_us = 0;  // UTC, of the next time that it has; 0: it does not wait for one
  };
  void says(std::function<Says()> status) { status_ = std::move(status); }

  // The process is about to end: `done` follows when the supervisor has been told why the last run failed, if
  // it did, or does not ask within kLastWordMs.
  void last_word(std::function<void()> done);

  void began(GstElement* pipeline) override;
  void element(const GstStructure& message) override;
  void ended(const std::string& reason, int64_t idle_ms) override;

 private:
  void on_message(wire::Audience::Member& from, const wire::Message& message);
  void greet(const wire::Audience::Member& member);
  void records(const std::string& rendition, Bytes records);
  void count(Bytes record);
  void put_health(bool tell);
  void open_session();
  void tick();
  wire::WorkerState state() const;
  wire::Status status();

  Loop& loop_;
  const Settings settings_;
  const std::function<void()> on_stop_;
  std::function<Says()> status_;
  std::string error_;    // why the last run has failed; empty: it has not
  int64_t idle_ms_ = 0;  // of that run, as RunWatch has it
  wire::Audience audience_;
  tools::RecordBatches batches_;
  bool archives_ = false;  // what runs
  uint32_t event_ = 0, station_ = 0;
  std::optional<wire::SessionOpened> opened_;  // from the first record on
  wire::SessionHealth health_;
  std::string probed_;  // what of health_.json the probe told; empty: nothing yet
  tools::LadderState ladder_;
  std::map<std::string, tools::History> histories_;  // by rendition, the source's is ""
  std::function<void()> done_;                       // last_word()'s, while a supervisor is waited for
  Loop::TimerId timer_ = 0, last_word_ = 0;
};

}  // namespace headgate::pipeline

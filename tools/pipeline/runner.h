// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs one pipeline until it ends, fails, or is asked to end, and measures what arrives at its sinks. One
// thread, on a Loop; what the pipeline posts comes there.
#pragma once

#include <pipeline/build.h>
#include <pipeline/flow.h>
#include <pipeline/silence.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <base/loop.h>

namespace headgate::pipeline {

inline constexpr int64_t kEndMs = 4000;   // from the request to end to EOS; then it is cut
inline constexpr int64_t kDownMs = 5000;  // for the pipeline to be taken down
// All sources have ended and nothing has come to a sink for so long: their EOS was lost on the way, as in a
// demultiplexer that has found nothing.
inline constexpr int64_t kDrainMs = 5000;

class Runner {
 public:
  struct Events {
    std::function<void(const std::string& error)> ended;  // empty: by EOS. The last call
    std::function<void(const std::string& text)> notice;  // warnings
    std::function<void(const GstStructure&)> element;     // what elements post; may be empty
  };
  // `silence_ms`: a pipeline in which nothing has flowed for so long has failed (silence.h), unless it was
  // asked to end; 0: it has not.
  Runner(Loop& loop, PipelinePtr pipeline, int64_t silence_ms, Events events);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  void start();
  // EOS goes through the pipeline: what is written gets its end.
  void end();
  // Takes the pipeline down. False: it hangs, and a thread of this process with it; only _Exit() is left.
  bool stop();

  // For how long nothing had flowed, of one that has failed for that; else 0.
  int64_t idle_ms() const { return idle_ms_; }

  // Of the time since the call before: "00:01:05  video 25.0/s 1.2M  out 1.3M  good".
  std::string status();

 private:
  void watch_sources();
  void on_source_end();  // in its thread
  void look_at_drain();
  void look_for_silence();
  void on_bus();
  void on_message(GstMessage* message);
  void on_health(const GstObject* probe, const GstStructure* health);
  void finish(const std::string& error);

  Loop& loop_;
  PipelinePtr pipeline_;
  Events events_;
  GstBus* bus_;
  int bus_fd_ = -1;
  Flow flow_;
  const int64_t silence_ms_;
  std::optional<Silence> silence_;
  int64_t idle_ms_ = 0;
  std::string health_;                               // what a healthprobe said last; empty: there is none
  std::map<const GstObject*, std::string> stalled_;  // stream that is, of a healthprobe
  int64_t begun_us_ = 0, told_us_ = 0;
  std::atomic<int> sources_left_ = 0;                             // pads of sources that have not ended
  const std::shared_ptr<char> alive_ = std::make_shared<char>();  // for what was posted
  uint64_t drained_bytes_ = 0;                                    // sunk when it was looked last
  Loop::TimerId cut_ = 0, drain_ = 0, listen_ = 0;
  bool ended_ = false, stopped_ = false;
};

}  // namespace headgate::pipeline

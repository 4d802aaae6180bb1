// SPDX-License-Identifier: LGPL-2.1-or-later
// A load of publishers: many stations in one thread, started over a ramp, disturbed as the plan says, ended
// together.
#pragma once

#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <base/loop.h>
#include <base/result.h>
#include <load/station.h>
#include <load/terminal.h>

namespace headgate::load {

struct PublishPlan {
  double duration_s = 0;  // 0: until a signal
  double ramp_s = 1;      // over which the stations' first connections are spread
  int64_t tick_ms = 5;    // how finely frames are paced
  // Every so often this share of the live stations is cut at once and comes back within a while.
  double reconnect_every_s = 0;
  double reconnect_share = 0;
  double reconnect_within_s = 1;
  // At random, each live station.
  double cuts_per_minute = 0;
  double stalls_per_minute = 0;
  double stall_s = 3;
  bool silent_cuts = false;
  uint64_t seed = 1;
};

class PublishLoad {
 public:
  // Of the `index`-th station. What is shared, and when it is due, outlives it.
  using MakeStation =
      std::function<std::unique_ptr<Station>(LoadShared& shared, int64_t& due_us, size_t index)>;
  PublishLoad(PublishPlan plan, size_t stations, const MakeStation& make, std::FILE* keyframe_log);

  // Until the duration is over and every station has said goodbye; SIGINT or SIGTERM ends it earlier, a
  // second one at once.
  void run();
  // Every session was accepted, and ended because we wished it. To be asked after run().
  bool undisturbed() const;
  // One JSON object (docs/load.md).
  std::string json();
  // One paragraph for people.
  std::string summary();

 private:
  void tick();
  void disturb();
  void storm();
  void show();
  void finish();
  double chance() { return std::uniform_real_distribution<>(0, 1)(shared_.random); }

  PublishPlan plan_;
  Loop loop_;
  // Before the stations: libsrt's threads begin with them, and would take the signals to the end of the
  // process.
  SignalWatch signals_{loop_, {SIGINT, SIGTERM}, [this](int) { finishing_ ? loop_.stop() : finish(); }};
  LoadShared shared_;
  std::vector<int64_t> due_us_;  // by station: one array, because the tick looks at all of them
  std::vector<std::unique_ptr<Station>> stations_;
  LiveBlock block_;
  bool finishing_ = false;
  int64_t ended_us_ = 0;
  int64_t last_tick_us_ = 0;
  double tick_late_max_ms_ = 0;
  uint64_t shown_bytes_ = 0;
  double shown_cpu_s_ = 0;
  int64_t shown_us_ = 0;
};

}  // namespace headgate::load

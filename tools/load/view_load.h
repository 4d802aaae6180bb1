// SPDX-License-Identifier: LGPL-2.1-or-later
// A load of viewers: many players in one thread, started over a ramp.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include <load/terminal.h>
#include <load/viewer.h>

namespace headgate::load {

struct ViewPlan {
  double duration_s = 0;  // 0: until a signal
  double ramp_s = 1;
  uint32_t viewers = 1;
  std::vector<std::string> paths;  // of multivariant playlists; viewers take them in turn. Not empty
  std::vector<Address> local;      // taken in turn; may be empty
};

class ViewLoad {
 public:
  ViewLoad(const ViewPlan& plan, Address server, const std::string& authority);

  // Until the duration is over; SIGINT or SIGTERM ends it earlier.
  void run();
  // Every viewer saw a picture, without a stall, and nothing that was asked for was refused.
  bool undisturbed() const;
  std::string json();
  std::string summary();

 private:
  struct Now {
    uint64_t starting = 0, playing = 0, stalled = 0, ended = 0, stalled_ever = 0;
  };
  Now count() const;
  void tick();
  void show();

  Loop loop_;
  ViewPlan plan_;
  ViewShared shared_;
  std::vector<int64_t> due_us_;
  std::deque<Viewer> viewers_;  // they do not move
  LiveBlock block_;
  int64_t started_us_ = 0, ended_us_ = 0;
  int64_t shown_us_ = 0;
  uint64_t shown_bytes_ = 0;
};

}  // namespace headgate::load

// SPDX-License-Identifier: LGPL-2.1-or-later
// What players are given between the sessions of this worker's stations (store/fill.h). In the loop's thread;
// disks are waited for in a thread of its own.
#pragma once

#include <feed/history.h>
#include <gst/gst.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <base/loop.h>
#include <wire/messages.h>

#include "admission.h"
#include "reaper.h"

namespace headgate::worker {

using tools::History;

inline constexpr int64_t kFillTickMs = 200;
// So long before its grace time is over a stream gets no more fill: what has ended does not grow.
inline constexpr int64_t kFillSpareMs = 2000;
// Somebody opens a run, or the last one's end is not on disk: begun again for so long.
inline constexpr int64_t kFillStartMs = 5000;

// A pipeline's wish: the property `fill` of its archiver.
struct FillWish {
  bool wanted = false;
  std::string slates;  // folder of prepared pictures; empty: the last one
};
// Error: the property is neither `none` nor `last` nor an absolute path.
Result<FillWish> fill_wish(GstElement* pipeline);

class Fills {
 public:
  using Tell = std::function<void(const wire::StreamRecords&)>;
  // `tell`: to origins, as it comes. `rested`: there is none any more, none whose end is to be told either.
  Fills(Loop& loop, std::string root, std::string node, Tell tell, std::function<void()> rested);
  ~Fills();
  Fills(const Fills&) = delete;
  Fills& operator=(const Fills&) = delete;

  // The session is over, its run was `run`; whoever published may come back for `grace_ms`.
  void start(const wire::SessionOpened& session, const std::string& run, const FillWish& wish,
             int64_t grace_ms);
  // Whoever published said that it is over, or was put out.
  void stop(const Station& station);
  void stop_all();
  // All that was told of the fills that there are, for an origin that comes late.
  void replay(const std::function<void(const wire::StreamRecords&)>& send) const;
  size_t active() const { return all_.size() + ending_.size(); }

 private:
  struct Work;                                                   // of the thread
  using Told = std::vector<std::pair<std::string, ByteVector>>;  // rendition, an encoded record
  struct One {
    uint64_t id = 0;
    wire::SessionOpened session;
    int64_t until_us = 0;  // CLOCK_BOOTTIME
    std::shared_ptr<Work> work;
    std::map<std::string, History> histories{};
    std::string end_reason{};  // empty: the stream goes on, and its next run says so itself
  };
  enum class Outcome { goes_on, over, failed };
  struct Report {
    uint64_t id = 0;
    Outcome outcome = Outcome::goes_on;
    Told told{};
    std::string problem{};
  };
  static Report look(Work& work, int64_t now_us);
  void tick();
  void take(std::vector<Report> reports);
  void tell(One& one, const Told& told);
  void finish(std::map<Station, One>::iterator one, const std::string& reason);
  void end(One one);
  void replay(const One& one, const std::function<void(const wire::StreamRecords&)>& send) const;
  void rest();

  Loop& loop_;
  const std::string root_, node_;
  const Tell tell_;
  const std::function<void()> rested_;
  std::map<Station, One> all_;
  // Finished while the thread looked: what it writes then has numbers that the next run goes on behind, so
  // that is told, and the end after it.
  std::vector<One> ending_;
  uint64_t last_id_ = 0;
  Loop::TimerId tick_ = 0;
  bool looking_ = false;  // the thread has been asked to
  std::shared_ptr<std::atomic<bool>> alive_ =
      std::make_shared<std::atomic<bool>>(true);  // this; for what is posted to the loop
  Reaper thread_;                                 // goes before what it uses
};

}  // namespace headgate::worker

// SPDX-License-Identifier: LGPL-2.1-or-later
// From streaming threads to the control loop: what pipelines post on their buses, for all sessions of the
// worker in one queue. The loop wakes up once for all that comes within kGatherMs of the first (streams that
// share a reader thread post together); posting never waits.
#pragma once

#include <feed/ladder_state.h>
#include <gst/gst.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <base/bytes.h>
#include <base/guarded.h>
#include <base/loop.h>
#include <base/unique_fd.h>

#include "numbers.h"

namespace headgate::worker {

// Longer than a reader takes to serve all of a worker's streams, one after the other, so that these cost one
// wake-up together; adds to what an origin waits for a part.
inline constexpr int64_t kGatherMs = 50;

struct RecordsEvent {
  ByteVector records;       // each preceded by u32 length
  std::string rendition{};  // empty: the source
};
struct HealthEvent {
  std::string json;
  uint32_t frame_rate_milli = 0;  // of the video; 0: not known
  bool regular = false;           // nothing has changed: its time had come
  HealthCounts counts{};
};
struct ClosingEvent {  // the source has let the connection go; EOS follows
  std::string reason;
  Received received;
};
struct EosEvent {};
struct FailureEvent {
  std::string text;
};
struct PictureEvent {  // that somebody wanted
  ByteVector jpeg;
};
struct StatsEvent {  // of the source
  Received received;
  int64_t last_media_mono_us = 0;
  std::optional<LinkCounts> link{};  // of SRT, once it is known
  std::string link_json{};           // all of it, as the source has it
};
struct CommitsEvent {  // of the archiver's volume, which is the same for all sessions
  store::CommitStats commits;
};
struct LadderEvent {  // of the session's
  tools::LadderNews news;
};
// Of the archiver: whether media is being recorded.
struct ArchiveEvent {
  std::string state, reason;
  int code = 0;         // errno of "lost"
  bool broken = false;  // the volume: this process will not write to it again
};
struct ClosedEvent {  // the pipeline is gone; the last of its session's events
  std::string reason;
};
struct NoticeEvent {  // warnings: for the log
  std::string text;
};

struct BusEvent {
  uint64_t session = 0;
  std::variant<RecordsEvent, HealthEvent, ClosingEvent, EosEvent, FailureEvent, StatsEvent, ArchiveEvent,
               CommitsEvent, LadderEvent, PictureEvent, ClosedEvent, NoticeEvent>
      what;
};

class Inbox : public std::enable_shared_from_this<Inbox> {
 public:
  using OnEvents = std::function<void(std::vector<BusEvent>)>;
  Inbox(Loop& loop, OnEvents on_events);

  // All messages of this bus are taken (none accumulates), the ones that matter become events of `session`.
  void watch(GstBus* bus, uint64_t session);
  enum class When { gathered, now };
  void post(BusEvent event, When when = When::gathered);  // any thread
  // Before the inbox or the loop goes: nothing is delivered any more, and the loop is not touched again.
  // Loop's thread.
  void stop();

 private:
  struct Waiting {
    std::vector<BusEvent> events;
    bool stopped = false;
  };
  void drain();

  Loop& loop_;
  OnEvents on_events_;
  UniqueFd alarm_;  // a timerfd, set by whoever posts: one wake-up, and no other thread touches the loop
  Guarded<Waiting> waiting_;
};

}  // namespace headgate::worker

// SPDX-License-Identifier: LGPL-2.1-or-later
// What the node's workers tell: who publishes, how he is doing, when he has gone. From that come the events
// session.opened, session.closed, stream.health, rendition.paused and rendition.resumed; and session.alarm. A
// control that starts anew asks them again: nothing is told twice, and what ended meanwhile is told late. Of
// what a worker of another protocol has nothing is known before it ends.
#pragma once

#include <base/clock.h>
#include <base/loop.h>
#include <feed/media_feed.h>
#include <wire/messages.h>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "event_log.h"
#include "health.h"
#include "session_alarms.h"

namespace headgate::control {

inline constexpr int64_t kSettleMs = 3000;  // from the start until all workers have said what they have
// Between two times that stream.health of one session is told, and likewise which of its renditions are
// paused: what comes and goes meanwhile is not told.
inline constexpr int64_t kHealthPauseUs = 5'000'000;
inline constexpr size_t kRateSamples = 6;  // a second each

struct Session {
  wire::SessionOpened opened;
  int64_t began_mono_us = 0;  // as its worker says, whatever the machine's clock was set to since
  std::string worker;         // name of its socket
  uint32_t worker_number = 0;
  uint64_t received_bytes = 0;
  int64_t last_media_mono_us = 0;
  std::deque<std::pair<int64_t, uint64_t>> samples;            // mono us, bytes
  std::set<std::string> conditions, told_conditions;           // stalled, late, black, …
  int64_t told_mono_us = 0;                                    // when the latter was told
  std::map<std::string, PausedRendition> paused, told_paused;  // by rendition
  int64_t told_paused_mono_us = 0;
  int64_t kbps() const;  // below 0: not known yet
};

std::string worker_json(const Session& session);  // null: a pipeline of the node's own has it

class Feed {
 public:
  Feed(Loop& loop, const Clock& clock, std::string runtime_dir, EventLog& log);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  Result<void> start();

  const std::map<uint64_t, Session>& sessions() const { return sessions_; }
  const Session* find(uint64_t session) const;
  // Of a station, of one event or any, the session that began last: one that is superseded may be there for a
  // while beside its successor, and has the higher number if a gate let it in that was started later (both do
  // while one retires; numbers also follow the clock, and wrap). What a publisher sends goes before what a
  // pipeline of the node's own archives under the same number.
  const Session* of_station(uint32_t station, std::optional<uint32_t> event = std::nullopt) const;
  const std::map<std::string, wire::WorkerState>& workers() const { return states_; }  // by socket name
  // `call` once, when the session is over, or with "" after `within_ms`.
  void when_closed(uint64_t session, int64_t within_ms, std::function<void(const std::string& reason)> call);

 private:
  struct Waiting {
    uint64_t session;
    std::function<void(const std::string&)> call;
    Loop::TimerId timer;
  };
  void on_closed(const std::string& name);
  void on_message(const std::string& name, const wire::Message& message);
  void opened(const std::string& name, const wire::SessionOpened& opened);
  void health(const wire::SessionHealth& health);
  void tell_conditions(Session& session);
  void tell_paused(Session& session);
  void over(const std::string& name, const wire::SessionClosed& end);
  void closed(uint64_t session, const std::string& reason);
  void settle();
  void incompatible_ended(const std::string& name);
  void tell_unseen(const std::string& session);

  Loop& loop_;
  const Clock& clock_;
  EventLog& log_;
  SessionAlarms alarms_;
  std::map<std::string, wire::WorkerState> states_;
  std::map<uint64_t, Session> sessions_;
  // That the files have, and no worker has told yet.
  EventLog::OpenSessions known_open_;
  // Workers that speak another protocol and live, by the names of their sockets: theirs stay open until then.
  std::set<std::string> incompatible_;
  Loop::TimerId settle_ = 0;
  std::map<uint64_t, Waiting> waiting_;
  uint64_t last_waiting_ = 0;
  tools::MediaFeed feed_;
};

}  // namespace headgate::control

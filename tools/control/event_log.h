// SPDX-License-Identifier: LGPL-2.1-or-later
// All events of the node under one row of ids: the supervisor's, which it tells again to whoever connects,
// and what this process sees itself. The last kMaxKept are in memory, the others in EventFiles. Ids go on
// from the files after a death of this process; a disk that takes nothing costs the files and nothing else.
#pragma once

#include <base/clock.h>
#include <wire/messages.h>

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "event.h"
#include "event_files.h"

namespace headgate::control {

inline constexpr size_t kMaxKept = 10'000;
// How far the files are read back at the start: for whom is connected, and what the supervisor has told.
inline constexpr uint64_t kReadBack = 50'000;
inline constexpr size_t kMaxSeqs = 4000;  // of the supervisor's that are remembered; it keeps 1,000

class EventLog {
 public:
  struct Kept {
    uint64_t id;
    std::string line;
  };
  using OnEvent = std::function<void(const Kept&)>;

  EventLog(const Clock& clock, std::string folder, const FileLimits& limits = {});
  // Reads the files. An error is logged; then events are in memory alone until the folder can be written.
  void open();

  uint64_t add(const std::string& kind, const char* severity, const std::string& text,
               const std::string& fields);
  // False: it was there already.
  bool take(const wire::NodeEvent& event);

  // At most `limit` with an id above `after`, ascending.
  std::vector<Kept> after(uint64_t after, size_t limit) const;
  uint64_t last_id() const { return last_id_; }
  uint64_t first_id() const;  // of those that can still be had; last_id() + 1: none
  const std::string& folder() const { return files_.folder(); }
  uint64_t read_bytes() const { return files_.read_bytes(); }  // of files, for open() and after()

  // `call` gets each new one, until unlisten().
  uint64_t listen(OnEvent call);
  void unlisten(uint64_t listener);

  // Sessions that the files say were opened and not closed, when open() was called.
  // With their workers' numbers; none: a pipeline of the node's own had it.
  using OpenSessions = std::map<std::string, std::optional<int64_t>>;
  const OpenSessions& sessions_left_open() const { return sessions_left_open_; }

 private:
  void put(Event event);
  void remember(uint64_t seq);

  const Clock& clock_;
  EventFiles files_;
  bool told_problem_ = false;  // that they cannot be written, until they can
  uint64_t last_id_ = 0;
  std::deque<Kept> kept_;
  std::set<uint64_t> seqs_;
  std::deque<uint64_t> seq_order_;
  OpenSessions sessions_left_open_;
  std::map<uint64_t, OnEvent> listeners_;
  uint64_t last_listener_ = 0;
};

}  // namespace headgate::control

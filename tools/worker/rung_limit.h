// SPDX-License-Identifier: LGPL-2.1-or-later
// How many rungs a worker encodes because somebody asks for them. The origin decides for the node and is told
// the same number (origin/demand.h); but it faces strangers, and what encodes here shares a process with the
// sessions: this is held whatever the origin asks for. No clock.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include <playlist/record.h>

namespace headgate::worker {

// One that was asked for and has not said what it does takes a place for so long.
inline constexpr int64_t kAskedMs = 15'000;

class RungLimit {
 public:
  explicit RungLimit(uint32_t most) : most_(most) {}
  // Somebody asks. False: there are too many. `now_ms` never goes back.
  bool ask(uint64_t session, const std::string& rendition, int64_t now_ms);
  // What one says of itself.
  void told(uint64_t session, const std::string& rendition, const playlist::RenditionRecord& record);
  void closed(uint64_t session);
  size_t running() const;                        // that have said so
  uint64_t refused() const { return refused_; }  // requests

 private:
  struct Rung {
    bool runs = false;  // or is paused, and may come back by itself
    int64_t asked_ms = 0;
  };
  const uint32_t most_;
  std::map<std::pair<uint64_t, std::string>, Rung> rungs_;  // by session and rendition
  uint64_t refused_ = 0;
};

}  // namespace headgate::worker

// SPDX-License-Identifier: LGPL-2.1-or-later
// Rungs that are encoded because viewers ask for them: asked of the worker that has the stream, as many as
// the node has room for (ladder/budget.h). It is decided here because viewers are seen here, and of all
// workers what they encode; nothing is kept of it but what renditions have told, so that an origin that is
// started anew decides as the last one did. Loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <ladder/budget.h>

#include "catalog.h"

namespace headgate::origin {

// A worker is told again of a rendition while viewers ask for it.
inline constexpr int64_t kWantAgainMs = 1000;
// From a worker's being asked to its having said that it encodes: so long a rung takes room meanwhile.
inline constexpr int64_t kStartMs = 15'000;
// A rung that is paused takes room for so long after somebody asked for it: nobody watches it then.
inline constexpr int64_t kAskedMs = 10'000;
// Who fetches one of so many newest segments watches the stream as it is made: players of DASH ask for no
// playlist of a rung.
inline constexpr uint64_t kWatchedSegments = 15;
// Who was refused is not looked at again before that.
inline constexpr int64_t kRefuseMs = 2000;

class Demand {
 public:
  // Asks the worker of a session for a rendition.
  using Want = std::function<void(uint32_t worker, uint64_t session, const std::string& rendition)>;
  Demand(const Catalog& catalog, const ladder::DemandLimits& limits, Want want)
      : catalog_(catalog), limits_(limits), want_(std::move(want)) {}

  enum class Answer : uint8_t {
    as_it_is,  // encoded, or not because anybody asks
    starts,    // it is being started: there will be something to play
    refused,
  };
  // A viewer asks for a rendition's playlist.
  Answer ask(const Stream& stream, const std::string& name, Rendition& one);

  // Its worker has told something. A viewer of a rung waits for more of it, and asks for nothing meanwhile:
  // for the next session's encoder it is asked in his name, if he himself asked within kAskedMs.
  void follow(const Stream& stream);

  // A viewer asks for a segment: of a rung that is encoded he goes on; none is started for him.
  void keep(const Stream& stream, const std::string& name, Rendition& one, uint64_t msn);

  std::string json() const;  // `rungs` of NODE, docs/api.md

 private:
  struct Found {
    ladder::DemandedRung rung;
    Rendition* one = nullptr;
  };
  std::vector<Found> running(int64_t now_us) const;
  bool start(const Stream& stream, const std::string& name, Rendition& one, int64_t now_us);
  void want(const Stream& stream, const std::string& name, Rendition& one, int64_t now_us);
  void tell(const Stream& stream, const std::string& name, Rendition& one);

  const Catalog& catalog_;
  const ladder::DemandLimits limits_;
  const Want want_;
  uint64_t started_ = 0, refused_ = 0, made_way_ = 0;
};

}  // namespace headgate::origin

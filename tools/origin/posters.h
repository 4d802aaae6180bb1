// SPDX-License-Identifier: LGPL-2.1-or-later
// The picture that stands for a stream in lists (docs/delivery.md, Pictures): the newest of its small ones,
// or, of a live stream that has no new one because no rung is encoded, one that its worker makes of the next
// key frame because somebody asks. Nobody asks, nothing is decoded. In the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include <base/loop.h>

#include "catalog.h"
#include "reply.h"

namespace headgate::origin {

// A picture older than that is old, and a worker is asked for another one; at most so often.
inline constexpr int64_t kPosterOldMs = 15'000, kPosterAskMs = 5000;
// Who asks when there is none yet waits so long for the next key frame: twice the usual target duration.
inline constexpr int64_t kPosterWaitMs = 8000;
inline constexpr char kNoPicture[] = "There is no such picture.";

class Posters {
 public:
  // Asks the worker that has the session; a SessionPicture may come.
  using Want = std::function<void(uint32_t worker, uint64_t session)>;
  Posters(Loop& loop, Catalog& catalog, Want want);
  ~Posters();
  Posters(const Posters&) = delete;

  // Answers when it has been made, or from what there is. `stored`: sends this picture of the track.
  using SendStored = std::function<void(const playlist::SegmentRecord& record)>;
  void answer(const AnswerPtr& answer, Stream& stream, const SendStored& stored);

 private:
  struct Waiter {
    AnswerPtr answer;
    uint32_t station = 0;
    SendStored stored;
    Loop::TimerId timer = 0;
  };
  using WaiterId = uint64_t;
  void ask(const Stream& stream);
  void wait(Waiter waiter);
  Waiter leave(WaiterId id);
  void late(WaiterId id);
  void came(Stream& stream);

  Loop& loop_;
  Catalog& catalog_;
  const Want want_;
  std::map<uint32_t, int64_t> asked_us_;  // when a station's worker was asked last; CLOCK_BOOTTIME
  std::map<WaiterId, Waiter> waiting_;
  WaiterId last_id_ = 0;
};

}  // namespace headgate::origin

// SPDX-License-Identifier: LGPL-2.1-or-later
// The live end of one index: its playlists, made once for all who ask, and those who wait for what is not
// there yet (RFC 8216bis, 6.2.5.2, 6.2.6). Who waits is an entry of a list, and nothing is looked at before
// the index has changed. Loop's thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <base/loop.h>
#include <playlist/directives.h>
#include <playlist/hls.h>
#include <playlist/live_playlist.h>

#include "text.h"
#include "waiting_room.h"

namespace headgate::origin {

// A request waits for three target durations (RFC 8216bis, 6.2.5.2), but not for less than this: players that
// give a request ten seconds then ask again without directives, and take no error for the stream's end.
inline constexpr int64_t kLeastPatienceMs = 12'000;
inline constexpr int64_t kPatienceTargets = 3;

class LiveEdge {
 public:
  // `index` outlives it, and is always the one at this address.
  LiveEdge(Loop& loop, WaitingRoom& room, const playlist::StreamIndex& index)
      : loop_(loop), room_(room), index_(index) {}
  // Who still waits is not answered.
  ~LiveEdge();
  LiveEdge(const LiveEdge&) = delete;
  LiveEdge& operator=(const LiveEdge&) = delete;

  // Which playlist: one view of the index has always the same facts.
  struct Which {
    playlist::View view = playlist::View::whole;
    const playlist::TrackFacts* facts = nullptr;
    bool skip = false;
    bool pictures = false;  // the index is that of small pictures
  };
  using Reports = std::vector<playlist::RenditionReport>;
  // As it is now, made when something has changed: the index, the facts, or `others`, the version of all that
  // `reports` tells of.
  const TextPtr& playlist(const Which& which, bool ended, uint64_t others,
                          const std::function<Reports()>& reports);

  enum class Outcome {
    came,
    never,  // of a part: it was not to be, after all
    late    // it did not come in time
  };
  using Done = std::function<void(Outcome)>;
  using WaiterId = uint64_t;
  // `done` is called once, later. For a playlist with segment `msn`, or with its part. `whose` is Answer's.
  // 0: too many wait.
  WaiterId wait(uint64_t msn, std::optional<uint32_t> part, const std::string& whose, Done done);
  // For the part that is hinted now.
  WaiterId wait_for_hinted(const playlist::PartName& name, const std::string& whose, Done done);
  // Likewise, but it never comes when the run has ended.
  WaiterId wait_within_run(const playlist::PartName& name, const std::string& whose, Done done);
  // For what the index' records bring about, and does not change.
  using There = std::function<bool()>;
  WaiterId wait_until(There there, const std::string& whose, Done done);
  // Does not wait any more, and is not answered. Who was answered is passed over.
  void cancel(WaiterId id);

  // The index has changed, or the stream has ended.
  void look(bool ended);
  // The index is another one.
  void forget();

 private:
  enum class Wants : uint8_t { playlist, hinted, more_of_run, other };
  struct Waiter {
    uint64_t msn;
    std::optional<uint32_t> part;
    Wants wants;
    std::string whose;
    int64_t until_us;
    Done done;
    There there{};
    Outcome outcome = Outcome::late;
  };
  static constexpr size_t kViews = 4;

  WaiterId add(Waiter waiter);
  std::optional<Outcome> outcome(const Waiter& waiter, bool ended) const;
  // Takes one out.
  Waiter leave(std::map<WaiterId, Waiter>::iterator waiter);
  void arm();
  void expire();

  Loop& loop_;
  WaitingRoom& room_;
  const playlist::StreamIndex& index_;
  std::array<playlist::LivePlaylist, kViews> playlists_;
  std::array<std::array<KeptText, 2>, kViews> texts_;  // by view; whole, and as a delta update
  std::map<WaiterId, Waiter> waiting_;                 // in the order in which they came
  WaiterId last_id_ = 0;
  Loop::TimerId timer_ = 0;  // while somebody waits
};

}  // namespace headgate::origin

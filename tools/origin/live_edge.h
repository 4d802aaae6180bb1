// SPDX-License-Identifier: LGPL-2.1-or-later
// The live end of one index: its playlists, made once for all who ask, and those who wait for what is not
// there yet (RFC 8216bis, 6.2.5.2, 6.2.6). Who waits is an entry of a list, and nothing is looked at before
// the index has changed. Loop's thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <vector>

#include <base/loop.h>
#include <playlist/directives.h>
#include <playlist/hls.h>
#include <playlist/live_playlist.h>

#include "bytes_ptr.h"

namespace headgate::origin {

inline constexpr size_t kMaxWaiting = 100'000;  // of one index
// A request waits for three target durations (RFC 8216bis, 6.2.5.2), but not for less than this: players that
// give a request ten seconds then ask again without directives, and take no error for the stream's end.
inline constexpr int64_t kLeastPatienceMs = 12'000;
inline constexpr int64_t kPatienceTargets = 3;

class LiveEdge {
 public:
  // `index` outlives it, and is always the one at this address.
  LiveEdge(Loop& loop, const playlist::StreamIndex& index) : loop_(loop), index_(index) {}
  // Who still waits is not answered.
  ~LiveEdge();
  LiveEdge(const LiveEdge&) = delete;
  LiveEdge& operator=(const LiveEdge&) = delete;

  // Which playlist: one view of the index has always the same facts.
  struct Which {
    playlist::View view = playlist::View::whole;
    const playlist::TrackFacts* facts = nullptr;
    bool skip = false;
    std::vector<playlist::RenditionReport> reports{};
    bool pictures = false;  // the index is that of small pictures
  };
  // As it is now; the same bytes to all until something changes.
  BytesPtr playlist(const Which& which, bool ended);

  enum class Outcome {
    came,
    never,  // of a part: it was not to be, after all
    late    // it did not come in time
  };
  using Done = std::function<void(Outcome)>;
  // `done` is called once, later. For a playlist with segment `msn`, or with its part. False: too many wait.
  bool wait(uint64_t msn, std::optional<uint32_t> part, Done done);
  // For the part that is hinted now.
  bool wait_for_hinted(const playlist::PartName& name, Done done);

  // The index has changed, or the stream has ended.
  void look(bool ended);
  // The index is another one.
  void forget();
  size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiter {
    uint64_t msn;
    std::optional<uint32_t> part;
    bool hinted;  // wants the part itself
    int64_t until_us;
    Done done;
    Outcome outcome = Outcome::late;
  };
  struct Text {
    uint64_t version = UINT64_MAX;
    bool ended = false;
    size_t facts = 0;  // so many were known
    std::vector<playlist::RenditionReport> reports;
    BytesPtr bytes;
  };
  static constexpr size_t kViews = 4;

  bool add(Waiter waiter);
  std::optional<Outcome> outcome(const Waiter& waiter, bool ended) const;
  void arm();
  void expire();

  Loop& loop_;
  const playlist::StreamIndex& index_;
  std::array<playlist::LivePlaylist, kViews> playlists_;
  std::array<std::array<Text, 2>, kViews> texts_;  // by view; whole, and as a delta update
  std::list<Waiter> waiting_;                      // who came first is late first
  Loop::TimerId timer_ = 0;                        // while somebody waits
};

}  // namespace headgate::origin

// SPDX-License-Identifier: LGPL-2.1-or-later
// One track of a stream, its key frames, and its DASH manifests: from the same bytes as its own segments
// (docs/delivery.md). In the loop's thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <playlist/dash_periods.h>
#include <playlist/live_playlist.h>
#include <playlist/track_facts.h>
#include <playlist/view_meter.h>

#include "catalog.h"
#include "live.h"
#include "media_files.h"
#include "reply.h"
#include "segment_boxes.h"

namespace headgate::origin {

inline constexpr int kMaxLearnRounds = 3;  // segments that come while others are read
inline constexpr size_t kMaxReplaysToRead =
    8;  // whose facts are wanted: one is read, the others have to wait
// Of all stations; beyond, what only those list whose replay was not asked for lately goes.
inline constexpr size_t kMaxKnownFacts = 250'000;
inline constexpr size_t kMaxViewInits = 256;  // kept in memory; some are made anew beyond
// Of a stream whose facts somebody wanted so lately they are read as soon as there are new ones.
inline constexpr int64_t kFactsWantedUs = 30'000'000;

class Views {
 public:
  // Is told what `catalog` brings.
  Views(Loop& loop, Catalog& catalog, MediaFiles& media)
      : catalog_(catalog), media_(media), live_(media), boxes_(loop, media) {
    catalog.when_records([this](Stream& stream) { learn_ahead(stream); });
  }
  ~Views() { catalog_.when_records(nullptr); }
  Views(const Views&) = delete;
  Views& operator=(const Views&) = delete;

  // `name` as in /hls/<station>/<name>, `query` without the "?". False: it is none of a view's, and nothing
  // was done.
  bool answer(const AnswerPtr& answer, uint32_t station, const std::string& name, const std::string& query);
  // /dash/<station>/<name>; answers in any case.
  void answer_dash(const AnswerPtr& answer, uint32_t station, const std::string& name);
  // One track of a segment, of an init segment. `view`: video or audio.
  void send_segment(const AnswerPtr& answer, const playlist::SegmentRecord& record, playlist::View view);
  void send_init(const AnswerPtr& answer, const playlist::InitRecord& record, playlist::View view);

 private:
  struct Kept {
    KeptText text;
    playlist::LivePlaylist lines;     // what it is made of, where it lists media of the replay
    uint64_t replay = 0;              // the one that `lines` and `periods` are of: Stream::replays_read()
    playlist::DashPeriods periods{};  // of a manifest
  };
  struct Station {
    playlist::TrackFacts facts;
    // Who waits for facts that are being read, of a few segments or of the whole replay; empty: none are.
    std::vector<std::function<void()>> want_few, want_replay;
    std::map<std::string, Kept> texts;   // by name
    std::optional<int64_t> zero_utc_us;  // of its DASH manifests, for good
    // Of what is live, of the replay: all is known of the segments before this.
    struct Known {
      uint64_t epoch = 0, replay = 0, before = 0;
    };
    std::array<Known, 2> known;
    struct Meters {
      uint64_t replay = 0;  // Stream::replays_read() that they are of
      playlist::ViewMeters meters{};
    };
    std::array<Meters, 2> meters;
    int64_t wanted_us = INT64_MIN;  // when somebody wanted facts of what is live; CLOCK_BOOTTIME
  };
  // What a name stands for.
  struct Listing;
  using OnStream = Catalog::OnStream;
  void with_stream(uint32_t station, bool everything, OnStream ready);
  // Likewise, and the facts of all of its segments that are listed are known, as far as they can be read.
  // `answer` says so when too much is to be read already.
  void with_facts(const AnswerPtr& answer, uint32_t station, bool everything, int rounds, OnStream ready);
  std::vector<playlist::SegmentRecord> unknown(Stream& stream, bool everything);
  void read_few(uint32_t station, std::vector<playlist::SegmentRecord> wanted);
  void learn_ahead(Stream& stream);
  playlist::ViewMeters& meters(Stream& stream, bool everything);
  void read_next_replay();
  void learned(uint32_t station, const SegmentBoxes::Facts& facts);
  void trim(uint32_t station, bool facts);
  const TextPtr& text(Stream& stream, const std::string& name, const Listing& listing);
  std::string made(Stream& stream, Station& one, const Listing& listing, Kept& kept);
  void list(const AnswerPtr& answer, uint32_t station, const std::string& name, const Listing& listing);
  void live(const AnswerPtr& answer, uint32_t station, playlist::View view, const std::string& query);

  Catalog& catalog_;
  MediaFiles& media_;
  Live live_;
  std::map<uint32_t, Station> stations_;
  std::deque<uint32_t> replays_to_read_;   // stations; the first is being read
  std::map<std::string, BytesPtr> inits_;  // by name, without the station: they go by their content
  SegmentBoxes boxes_;
};

}  // namespace headgate::origin

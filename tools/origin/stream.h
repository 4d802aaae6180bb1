// SPDX-License-Identifier: LGPL-2.1-or-later
// A station's stream as viewers see it: outlives sessions. Fed by Catalog; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <base/json_line.h>
#include <playlist/hls.h>
#include <playlist/stream_index.h>
#include <wire/messages.h>

#include "archive.h"
#include "bytes_ptr.h"
#include "live_edge.h"
#include "rendition.h"
#include "totals.h"

namespace headgate::origin {

inline constexpr size_t kMaxEarlyRecords = 4096;  // kept while the disk is read
inline constexpr size_t kRateParts = 10;          // the received rate is measured over so many

// While a source is silent: a rendition that is behind it gets a gap two part targets and so much after its
// last part, and one each part target from then on; it is looked at so often.
inline constexpr int64_t kSilenceSlackMs = 250, kSilenceTickMs = 100;

// What a dead worker wrote and could not tell any more is waited for so long, when the next run begins.
inline constexpr int64_t kUntoldPatienceMs = 2000;

enum class State { live, waiting, ended };
inline constexpr uint64_t kStates = 3;

// A picture of the stream as a whole JPEG, and when it came.
struct Poster {
  BytesPtr jpeg;
  int64_t utc_us = 0;
};

class Stream {
 public:
  Stream(Loop& loop, WaitingRoom& room, uint32_t event, uint32_t station,
         const playlist::IndexSettings& window, int64_t now_utc_us, bool has_archive);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  uint32_t station() const { return station_; }
  State state() const { return state_; }
  bool loaded() const { return loaded_; }
  const playlist::StreamIndex& index() const { return index_; }
  LiveEdge& edge() { return edge_; }
  // Who waits for what add() brought: once, behind all that came together.
  void look();

  // Records of a live session. Kept aside until take_window() has been called. `rendition`: empty of the
  // source, whose records come before what is derived.
  void add(const std::string& rendition, const playlist::Record& record);
  void take_window(Window disk, int64_t now_utc_us, int64_t grace_us);
  // A run has begun behind numbers that nobody told of: their writer was killed before it could. What add()
  // brings is kept aside until take_untold() has been called with what the disk has, or kUntoldPatienceMs are
  // over. True: once for each such run.
  bool take_wants_untold() { return std::exchange(wants_untold_, false); }
  void take_untold(const NewestRecords& records);
  void take_before(const Totals::Before& before);

  void session_opened(uint32_t worker, const wire::SessionOpened& session);
  // Whether it was the stream's present session.
  bool session_closed(const wire::SessionClosed& session, int64_t now_utc_us);
  void health(const wire::SessionHealth& health);
  // False: it is no picture, or of another session.
  bool take_picture(const wire::SessionPicture& picture, int64_t now_utc_us);
  const Poster* poster() const { return poster_ ? &*poster_ : nullptr; }  // the last one taken
  // Somebody publishes video, from whom a picture can be had.
  bool can_be_pictured() const;
  void grace_over(int64_t now_utc_us);
  // How long the last session's pipeline wants its publisher waited for; nothing: as is usual.
  std::optional<int64_t> grace_ms() const { return grace_ms_; }
  std::optional<uint64_t> session() const;
  uint32_t worker() const { return worker_; }  // of session()

  // Everything the archive has, grows with the stream while it is kept.
  playlist::StreamIndex* replay() { return replay_ ? &*replay_ : nullptr; }
  void set_replay(playlist::StreamIndex index, std::map<std::string, playlist::RenditionIndex> renditions);
  void drop_replay();
  uint64_t replays_read() const { return replays_read_; }  // so often; versions of each begin anew

  // Derived ones, by name.
  const std::map<std::string, std::unique_ptr<Rendition>>& renditions() const { return renditions_; }
  Rendition* rendition(const std::string& name) const;
  // Grows with every change of any rendition; and with those that are not of parts alone.
  uint64_t version() const;
  uint64_t segments_version() const;

  // Playlists as they are now, computed once for each change; empty: nothing to list yet. Of the replay (of
  // `one`, or the stream's own) only while it is there.
  const TextPtr& replay_playlist();
  const TextPtr& replay_playlist(Rendition& one, bool pictures = false) const;

  std::string json() const;          // STREAM of docs/api.md
  std::string node_json() const;     // the same with what only NODE tells
  std::string session_json() const;  // of NODE.sessions; empty: no session
  // Since the last call something that json() shows has changed.
  bool take_changed() { return std::exchange(changed_, false); }

 private:
  void set_state(State state, int64_t now_utc_us);
  void apply(const std::string& rendition, const playlist::Record& record);
  void note_growth();
  void watch(int64_t in_ms);
  void look_behind();
  bool skips_numbers(const std::string& rendition, const playlist::Record& record) const;
  void apply_early();
  void apply_fill(const std::string& rendition, const playlist::Record& record);
  Rendition* make_rendition(const std::string& name);
  playlist::MediaPlaylistSettings replay_settings() const;
  std::optional<int64_t> kbps() const;
  void put_public(JsonLine& line) const;

  uint32_t event_, station_;
  State state_ = State::ended;
  int64_t since_utc_us_;  // of the state
  bool loaded_ = false;
  bool wants_untold_ = false;
  Loop::TimerId untold_timer_ = 0;  // 0: nothing is waited for
  bool changed_ = true;
  Loop& loop_;
  WaitingRoom& room_;
  const playlist::IndexSettings window_;
  std::vector<std::pair<std::string, playlist::Record>> early_;
  playlist::StreamIndex index_;
  LiveEdge edge_;
  Totals totals_;
  std::optional<playlist::StreamIndex> replay_;
  uint64_t replays_read_ = 0;
  std::map<std::string, std::unique_ptr<Rendition>> renditions_;
  std::optional<wire::SessionOpened> session_;
  uint32_t worker_ = 0;  // that has the session
  Loop::TimerId silence_timer_ = 0;
  std::optional<Poster> poster_;
  std::optional<int64_t> grace_ms_;
  bool session_has_run_ = false;
  uint64_t received_bytes_ = 0;
  uint32_t frame_rate_milli_ = 0;  // measured; 0: not known
  std::string health_;             // JSON; empty: none
  struct Rate {
    uint64_t bytes;
    int64_t duration;
  };
  std::deque<Rate> rates_;
  ReplayText replay_text_;
};

}  // namespace headgate::origin

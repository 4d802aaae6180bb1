// SPDX-License-Identifier: LGPL-2.1-or-later
// All streams of the node's event: what the workers tell (WorkerFeed) over what the disk has (Archive).
// Loop's thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <base/clock.h>
#include <base/loop.h>
#include <wire/messages.h>

#include "archive.h"
#include "stream.h"

namespace headgate::origin {

inline constexpr size_t kMaxReplays = 16;     // replay indexes kept; the one not asked for longest goes
inline constexpr size_t kMaxReplayLoads = 4;  // read at the same time, in turn; the others wait

struct CatalogSettings {
  std::string root;
  uint32_t event = 0;
  // Of live streams: segments that can be fetched without asking the disk, length of playlists.
  playlist::IndexSettings window{180'000, 60'000};
  int64_t grace_ms = 120'000;  // a publisher that went away may come back for so long
  size_t most_waiting = 0;     // requests, on all streams together
};

class Catalog {
 public:
  Catalog(Loop& loop, Archive& archive, const CatalogSettings& settings);
  ~Catalog();

  // Reads what the archive has, stream after stream, in the background.
  void start();

  // From a worker. Streams of another event are passed over.
  void session_opened(uint32_t worker, const wire::SessionOpened& session);
  void records(const wire::StreamRecords& records);
  void health(const wire::SessionHealth& health);
  void picture(const wire::SessionPicture& picture);
  void session_closed(const wire::SessionClosed& closed);
  void worker_gone(uint32_t worker);  // without having closed its sessions

  // `call` is told of each stream that records have come for, before those who wait for what they bring.
  void when_records(std::function<void(Stream&)> call) { when_records_ = std::move(call); }
  // Likewise of a derived rendition.
  void when_rendition(std::function<void(const Stream&)> call) { when_rendition_ = std::move(call); }

  // Likewise of each stream that a picture has come for.
  void when_picture(std::function<void(Stream&)> call) { when_picture_ = std::move(call); }

  Stream* find(uint32_t station);
  const std::map<uint32_t, std::unique_ptr<Stream>>& streams() const { return streams_; }
  size_t waiting() const { return room_.now(); }  // requests, for what is not there yet
  WaitingRoom& room() { return room_; }
  // The disk's stations are known, and of every stream with a session what the disk has of its live end.
  bool settled() const;
  // Calls `ready` when the newest of the stream's archive has been read: now, or later. Null: there is no
  // such stream.
  using OnStream = std::function<void(Stream*)>;
  void with_loaded(uint32_t station, OnStream ready);
  // Likewise, with Stream::replay() there. Null also: it has left again.
  void with_replay(uint32_t station, OnStream ready);

  std::string list_json() const;  // /api/v1/streams

 private:
  Stream& stream(uint32_t station, bool has_archive);
  void load(uint32_t station, bool urgent);
  void take_window(uint32_t station, Window window);
  void take_untold(uint32_t station, const NewestRecords& newest);
  void take_replay(uint32_t station, playlist::StreamIndex index, Renditions renditions);
  void close_session(Stream& stream, const wire::SessionClosed& closed);
  void wait_for_return(Stream& stream);
  void keep_replay(uint32_t station);
  void load_replays();

  Loop& loop_;
  Archive& archive_;
  CatalogSettings settings_;
  WaitingRoom room_;
  std::map<uint32_t, std::unique_ptr<Stream>> streams_;
  std::map<uint32_t, std::vector<OnStream>> want_loaded_, want_replay_;
  std::deque<uint32_t> replays_to_load_;  // stations; those that are being read are in early_replay_
  // Records that came while a replay index is being read.
  std::map<uint32_t, std::vector<std::pair<std::string, playlist::Record>>> early_replay_;
  std::map<uint32_t, Loop::TimerId> grace_timers_;
  std::vector<uint32_t> replays_;  // stations, the one asked for last at the end
  std::function<void(Stream&)> when_records_, when_picture_;
  std::function<void(const Stream&)> when_rendition_;
  bool listed_ = false;  // the disk's stations are known
  std::vector<std::function<void()>> want_listed_;
};

}  // namespace headgate::origin

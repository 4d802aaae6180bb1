// SPDX-License-Identifier: LGPL-2.1-or-later
// An admitted publisher's connection, whatever its protocol: collects what came in a wake-up as units per
// track. Knows GstMemory, because that is where payload is put, and no other part of GStreamer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <base/result.h>
#include <base/unique_fd.h>
#include <codec/track.h>
#include <mpegts/demuxer.h>
#include <srt/relay.h>

#include "arena.h"

namespace headgate::ticketsrc {

// One frame, or a new codec configuration for the frames behind it.
struct Item {
  std::optional<codec::Track> config;  // then nothing else
  gst::Ref<GstMemory> memory;
  int64_t sender_ns = 0;       // decoding time by the sender's clock, unwrapped; any zero
  int64_t composition_ns = 0;  // presentation less decoding time; may be negative
  int64_t arrival_us = 0;      // CLOCK_BOOTTIME
  int64_t utc_us = 0;
  bool key = false;
  // `key` is what the picture says; the sender says the opposite of it.
  bool key_denied = false;
  bool after_loss = false;  // on its way something of the track was lost, between the frame before and this
};

enum TrackId : size_t { kVideoTrack = 0, kAudioTrack = 1, kTracks = 2 };

struct Now {
  int64_t mono_us = 0, utc_us = 0;
};

// How what a session sends comes in, where the protocol loses things on the way: MPEG-TS by SRT.
struct LinkReport {
  mpegts::Stats ts;
  std::optional<srt::LinkStats> srt;  // none yet
};

// The tracks are decided at the latest after so much time by the clock, or so much media.
inline constexpr int64_t kDecideUs = 2'000'000;  // 2,000 ms of the sender's clock, too
inline constexpr size_t kDecideBytes = 8 << 20;
// Room for items that a session keeps: more than come in a wake-up, less than after somebody was held up.
// Sessions that once had seconds at once would keep room for them, each of them.
inline constexpr size_t kKeptItems = 32;
// Reads of one wake-up: a publisher that has more waiting is served the rest on the next one.
inline constexpr int kMaxReads = 8;
// Sentences about one session's media; a sender of ever new nonsense fills no log.
inline constexpr size_t kMaxWarnings = 16;

// Not thread-safe: the poller's.
class Session {
 public:
  virtual ~Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Reads what is there, at most kMaxReads times `scratch`. After it items() holds what came.
  void serve(std::span<std::byte> scratch, Now now);
  // Waiting was not the publisher's fault (the pipeline was paused).
  void forgive_silence(Now now) { last_frame_us_ = now.mono_us; }

  // Tells the publisher why it is over, as far as the protocol can and the connection takes it. The last
  // thing before destruction.
  virtual void say_goodbye(const std::string& reason, std::span<std::byte> scratch) = 0;
  // Tells the publisher that its media falls behind real time, or does not any more, as far as the protocol
  // can. It may send less then.
  virtual void tell_uplink(bool late, int64_t late_ms) = 0;
  // Asks the publisher to connect anew, to `url` (empty: where it is); it is served until it leaves. False:
  // the protocol has no such request, or this publisher did not say that it would heed it.
  virtual bool ask_to_reconnect(const std::string& url, const std::string& text);
  // Received, of the connection.
  virtual uint64_t bytes() const = 0;
  virtual std::optional<LinkReport> link_report() const { return std::nullopt; }

  std::vector<Item>& items(TrackId track) { return tracks_[track].items; }
  void clear_items(TrackId track);
  // The tracks are known: serve() may be followed by taking items. Forced at the session's end.
  bool decided(Now now) const;
  bool has_config(TrackId track) const { return tracks_[track].config.has_value(); }
  bool has_items() const { return !tracks_[0].items.empty() || !tracks_[1].items.empty(); }

  // Why it is over: unpublish, disconnect, error:<text>. Set once.
  const std::optional<std::string>& ended() const { return ended_; }
  // When a frame last came or began to come (a large one may take its time); the session's beginning before
  // that. Pings and other messages do not hold a session.
  int64_t last_frame_us() const { return last_frame_us_; }
  int64_t last_media_us() const { return last_media_us_; }
  // Sentences about tracks that are left out, for one warning each.
  std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

 protected:
  explicit Session(Now now);
  virtual void read(std::span<std::byte> scratch) = 0;

  const Now& now() const { return now_; }  // of the present serve()
  Arena& arena(TrackId track) { return tracks_[track].arena; }
  void end(std::string reason);
  // What the container says there will be: a track that is not announced is not waited for.
  void announce(bool video, bool audio);
  // A frame began to come.
  void frame_under_way() { last_frame_us_ = now_.mono_us; }
  // What the arena of `track` holds reserved is this frame. Its memory and times of receipt are set here.
  void take_frame(TrackId track, Item item);
  // A change, or the first one, goes into items(); one that says nothing new is dropped.
  void take_config(TrackId track, Result<codec::Track> config);
  // A sentence for take_warnings(). Each is told once, and of one session kMaxWarnings at most.
  void warn(std::string text);
  // `codec`: its name for people.
  void leave_out(TrackId track, const std::string& codec);

 private:
  struct Track {
    explicit Track(size_t block_bytes) : arena(block_bytes) {}
    Arena arena;
    std::optional<codec::Track> config;  // as last seen
    std::vector<Item> items;
    size_t item_bytes = 0;  // of items
    bool announced = true;  // without any announcement, both are expected
    bool unusable = false;  // a codec that is not supported: warned
  };

  Track tracks_[kTracks];
  bool announced_ = false;
  std::optional<std::string> ended_;
  std::vector<std::string> warnings_;  // not taken yet
  std::vector<std::string> warned_;    // ever
  Now now_;
  int64_t last_frame_us_;       // CLOCK_BOOTTIME; see last_frame_us()
  int64_t last_media_us_ = 0;   // likewise; 0: none yet
  int64_t first_media_us_ = 0;  // likewise
};

// The session of a connection that was admitted; `protocol` as archives name it: rtmp, rtmps, srt. `state` is
// what the admission left for it: of RTMP rtmp::Server::save(), and the publisher is answered here; of SRT
// nothing.
Result<std::unique_ptr<Session>> open_session(UniqueFd socket, Bytes state, const std::string& protocol,
                                              Now now);

}  // namespace headgate::ticketsrc

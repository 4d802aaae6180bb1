// SPDX-License-Identifier: LGPL-2.1-or-later
// An admitted publisher's connection: reads the socket, answers the protocol, and collects what came in a
// wake-up as units per track. Knows GstMemory, because that is where payload is put, and no other part of
// GStreamer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <base/unique_fd.h>
#include <codec/track.h>
#include <rtmp/server.h>
#include <timeline/sample_clock.h>
#include <timeline/session_timeline.h>

#include "arena.h"

namespace headgate::ticketsrc {

// One frame, or a new codec configuration for the frames behind it.
struct Item {
  std::optional<codec::Track> config;  // then nothing else
  gst::Ref<GstMemory> memory;
  uint32_t sender_ms = 0;
  int32_t composition_ms = 0;
  int64_t arrival_us = 0;  // CLOCK_BOOTTIME
  int64_t utc_us = 0;
  bool key = false;
};

enum TrackId : size_t { kVideoTrack = 0, kAudioTrack = 1, kTracks = 2 };

struct Now {
  int64_t mono_us = 0, utc_us = 0;
};

// The tracks are decided at the latest after so much time by the clock, or so much media.
inline constexpr int64_t kDecideUs = 2'000'000;  // 2,000 ms of the sender's clock, too
inline constexpr size_t kDecideBytes = 8 << 20;

// Not thread-safe: the poller's.
class Session : private rtmp::ServerHandler, private rtmp::MessageSink {
 public:
  // `state` is what rtmp::Server::save() gave; `publish` is answered with yes here.
  static Result<std::unique_ptr<Session>> open(UniqueFd socket, Bytes state, Now now);

  // Reads what is there, at most a few times `scratch`. After it items() holds what came.
  void serve(std::span<std::byte> scratch, Now now);
  // Waiting was not the publisher's fault (the pipeline was paused).
  void forgive_silence(Now now) { last_frame_us_ = now.mono_us; }

  // Tells the publisher why it is over, as far as the socket takes it. The last thing before destruction.
  void say_goodbye(const std::string& reason, std::span<std::byte> scratch);

  std::vector<Item>& items(TrackId track) { return tracks_[track].items; }
  void clear_items(TrackId track) { tracks_[track].items.clear(), tracks_[track].item_bytes = 0; }
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
  uint64_t bytes() const { return server_.bytes_received(); }
  // Sentences about tracks that are left out, for one warning each.
  std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

 private:
  struct Track {
    explicit Track(size_t block_bytes) : arena(block_bytes) {}
    Arena arena;
    std::optional<codec::Track> config;  // as last seen
    ByteVector config_bytes;             // payload of a sequence header that is coming in
    std::vector<Item> items;
    size_t item_bytes = 0;  // of items
    bool announced = true;  // by onMetaData; without any, both are expected
    bool unusable = false;  // a codec that is not supported: warned
  };

  Session(UniqueFd socket, rtmp::Server server, Now now);
  void on_metadata(const rtmp::Metadata& metadata) override;
  void on_end(rtmp::End end) override;
  std::span<std::byte> begin(uint32_t csid, const rtmp::MessageHeader& header, Bytes prefix) override;
  void complete(uint32_t csid, const rtmp::MessageHeader& header, Bytes prefix,
                std::span<std::byte> payload) override;
  void abandon(uint32_t csid) override;

  void feed(Bytes data);
  void send_output();
  void end(std::string reason);
  void take_config(TrackId track, Bytes config);
  void leave_out(TrackId track, const std::string& codec);

  UniqueFd socket_;
  rtmp::Server server_;
  ByteVector unsent_;
  Track tracks_[kTracks];
  bool metadata_seen_ = false;
  std::optional<std::string> ended_;
  std::vector<std::string> warnings_;
  Now now_;                     // of the present serve()
  int64_t last_frame_us_;       // CLOCK_BOOTTIME; see last_frame_us()
  int64_t last_media_us_ = 0;   // likewise; 0: none yet
  int64_t first_media_us_ = 0;  // likewise
};

}  // namespace headgate::ticketsrc

// SPDX-License-Identifier: LGPL-2.1-or-later
// What one HLS player does, without the network and without decoding: which playlist or segment it asks for
// and when, and what its viewer sees (start-up, stalls, distance from live). Time is given to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <load/hls_playlist.h>

namespace headgate::load {

inline constexpr double kLiveTargets = 3;        // a live stream is joined this many target durations behind
inline constexpr double kMaxBufferSeconds = 30;  // ahead of the picture
inline constexpr int64_t kPlayerRetryUs = 1'000'000;  // after an error

class Player {
 public:
  enum class Ask { kMultivariant, kMedia, kInit, kSegment };
  static constexpr size_t kAsks = 4;
  struct Request {
    Ask ask;
    std::string path;
  };
  // The state of the picture.
  enum class Picture { kStarting, kPlaying, kStalled, kEnded };
  struct Events {                     // since the last take_events()
    std::optional<double> startup_s;  // the first picture came after this long
    std::optional<double> latency_s;  // the picture is this far behind the sender's clock (PROGRAM-DATE-TIME)
    std::optional<double> edge_age_s;  // how old the newest frame of a changed playlist was, likewise
    uint64_t stalls = 0;
    double stall_s = 0;
    std::optional<double> stood_s;       // a stall is over that took so long; of several the longest
    uint64_t segments = 0, skipped = 0;  // loaded; left out because the server no longer has them, or as gaps
    double media_s = 0;                  // loaded
  };

  Player(std::string authority, std::string path) : authority_(std::move(authority)), start_path_(path) {}

  // What to ask for now, or nothing before due_us(). One request at a time: then comes on_response() or
  // on_failure(). The first call starts the clock of the start-up.
  std::optional<Request> next(int64_t now_us);
  int64_t due_us() const { return due_us_; }
  // `text`: a playlist's body. `utc_us`: the time of day. Returns what is wrong with the response: a short
  // text of its kind, the same for all players; nothing when it was good.
  std::optional<std::string> on_response(int64_t now_us, int64_t utc_us, int status, std::string_view text);
  void on_failure(int64_t now_us);  // no response

  // Brings the picture up to date with the clock.
  void advance(int64_t now_us);
  Picture picture() const { return picture_; }
  double buffered_s() const { return buffered_s_; }
  double standing_s() const { return standing_s_; }  // of the stall that is not over; 0 without one
  Events take_events() { return std::exchange(events_, {}); }

 private:
  std::optional<std::string> on_multivariant(std::string_view text);
  std::optional<std::string> on_media(int64_t now_us, int64_t utc_us, std::string_view text);
  void on_segment(int64_t now_us, int64_t utc_us);
  void join(const HlsPlaylist& playlist);
  void drop_segment();
  std::optional<Request> media_request(int64_t now_us);
  std::optional<Request> ask(Ask ask, std::string path);

  std::string authority_, start_path_;
  std::string media_path_;  // empty until the multivariant playlist is read
  std::optional<Request> asked_;
  int64_t asked_us_ = 0;
  int64_t due_us_ = 0;

  // The playlist as last read.
  bool joined_ = false;
  bool ended_ = false;
  double target_s_ = 0;
  uint64_t last_sequence_ = 0;        // one past the last segment
  int64_t poll_us_ = 0;               // when to read it again
  uint64_t next_sequence_ = 0;        // of segments_.front()
  std::vector<HlsSegment> segments_;  // not loaded yet
  std::string map_;                   // the init segment that was loaded last

  // The picture.
  Picture picture_ = Picture::kStarting;
  int64_t started_us_ = 0;
  int64_t clock_us_ = 0;  // when buffered_s_ was true
  double buffered_s_ = 0;
  double standing_s_ = 0;
  Events events_;
};

}  // namespace headgate::load

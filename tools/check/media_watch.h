// SPDX-License-Identifier: LGPL-2.1-or-later
// Polls one media playlist as a player does (draft-pantos-hls-rfc8216bis-22, 6.3.4 and 6.3.8): held reloads
// where the server offers them, delta updates now and then, and what it lists is loaded.
#pragma once

#include <check/media_queue.h>

#include <conformance/presentation.h>

namespace headgate::check {

inline constexpr unsigned kDeltaEvery = 5;           // readings
inline constexpr int64_t kRetryUs = 1'000'000;       // after an answer that is no playlist
inline constexpr int64_t kShortestWaitUs = 100'000;  // between two readings that were not held
inline constexpr int64_t kLookUs = 1'000'000;
inline constexpr int64_t kRefusalUs = 2'000'000;  // within which a wrong request is refused

class MediaWatch {
 public:
  // `on_reading`: after each whole reading.
  MediaWatch(Run& run, std::string where, std::string url, bool iframes,
             std::function<void(MediaWatch&)> on_reading);

  void start();
  const std::string& where() const { return where_; }
  const std::string& url() const { return url_; }
  bool iframes() const { return iframes_; }
  bool read() const { return history_.last() != nullptr; }
  bool over() const { return ended_ || given_up_; }  // it has ended, or never was a playlist
  bool finished() const { return over() && queue_.idle(); }
  const std::string& problem() const { return problem_; }  // why there is no reading
  conformance::Member member() const;                      // only when read()
  std::string row() const;                                 // for the screen
  std::string json() const;

 private:
  using Position = conformance::MediaPlaylist::Position;
  void load();
  void look();  // each second, at what was not answered
  void answered(const Answer& answer, std::optional<Position> wanted);
  void failed(const Answer& answer, bool held);
  void take(const conformance::MediaPlaylist& playlist, conformance::ReadingTime time,
            const std::string& base);
  void plan(conformance::ReadingTime time);
  void load_delta();
  void answered_delta(const Answer& answer, const conformance::MediaPlaylist& before);
  void try_refusals();
  void expect_refusal(const std::string& directives, conformance::HlsRule rule);
  bool blocks() const;

  Run& run_;
  std::string where_, url_;
  bool iframes_;
  std::function<void(MediaWatch&)> on_reading_;
  conformance::PlaylistHistory history_;
  MediaQueue queue_;
  unsigned readings_ = 0, failures_ = 0;
  bool ended_ = false, given_up_ = false, plain_once_ = false, tried_refusals_ = false, held_ = false;
  std::string problem_;
};

}  // namespace headgate::check

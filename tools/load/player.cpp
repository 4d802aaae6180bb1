// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/player.h>

#include <algorithm>

namespace headgate::load {

std::optional<Player::Request> Player::ask(Ask ask, std::string path) {
  asked_ = Request{ask, std::move(path)};
  return asked_;
}

std::optional<Player::Request> Player::next(int64_t now_us) {
  if (started_us_ == 0) started_us_ = clock_us_ = now_us;
  advance(now_us);
  if (asked_ || now_us < due_us_) return std::nullopt;
  asked_us_ = now_us;
  if (media_path_.empty()) return ask(Ask::kMultivariant, start_path_);
  if (!joined_ || (!ended_ && now_us >= poll_us_)) return ask(Ask::kMedia, media_path_);
  return media_request(now_us);
}

std::optional<Player::Request> Player::media_request(int64_t now_us) {
  while (!segments_.empty() && segments_.front().gap) drop_segment();
  if (!segments_.empty() && buffered_s_ < kMaxBufferSeconds) {
    const HlsSegment& segment = segments_.front();
    bool init = !segment.map_uri.empty() && segment.map_uri != map_;
    auto path = resolve_path(authority_, media_path_, init ? segment.map_uri : segment.uri);
    return ask(init ? Ask::kInit : Ask::kSegment, path.value_or(segment.uri));
  }
  // Nothing to load: until there is room in the buffer, or the next reading of the playlist.
  due_us_ = ended_ ? INT64_MAX : poll_us_;
  if (!segments_.empty())
    due_us_ =
        std::min(due_us_, now_us + static_cast<int64_t>((buffered_s_ - kMaxBufferSeconds) * 1e6) + 1000);
  else if (ended_ && picture_ == Picture::kPlaying)
    due_us_ = now_us + static_cast<int64_t>(buffered_s_ * 1e6) + 1000;
  return std::nullopt;
}

std::optional<std::string> Player::on_response(int64_t now_us, int64_t utc_us, int status,
                                               std::string_view text) {
  advance(now_us);
  Request request = std::move(*asked_);
  asked_.reset();
  due_us_ = now_us;
  if (status != 200) {
    due_us_ = now_us + kPlayerRetryUs;
    if (status == 404 && request.ask == Ask::kSegment) {
      // It fell out of the window: what the playlist says now decides.
      drop_segment();
      due_us_ = poll_us_ = now_us;
    }
    return "status " + std::to_string(status);
  }
  switch (request.ask) {
    case Ask::kMultivariant:
      return on_multivariant(text);
    case Ask::kMedia:
      return on_media(now_us, utc_us, text);
    case Ask::kInit:
      map_ = segments_.front().map_uri;
      return std::nullopt;
    case Ask::kSegment:
      on_segment(now_us, utc_us);
      return std::nullopt;
  }
  return std::nullopt;
}

void Player::on_failure(int64_t now_us) {
  asked_.reset();
  advance(now_us);
  due_us_ = now_us + kPlayerRetryUs;
}

std::optional<std::string> Player::on_multivariant(std::string_view text) {
  auto playlist = parse_hls(text);
  if (!playlist) {
    due_us_ = asked_us_ + kPlayerRetryUs;
    return playlist.error().message;
  }
  if (playlist->variants.empty()) {  // a media playlist: there is but one rendition
    media_path_ = start_path_;
    return std::nullopt;
  }
  auto best = std::max_element(playlist->variants.begin(), playlist->variants.end(),
                               [](auto& a, auto& b) { return a.bandwidth < b.bandwidth; });
  auto path = resolve_path(authority_, start_path_, best->uri);
  if (!path) {
    due_us_ = asked_us_ + kPlayerRetryUs;
    return "a rendition on another server";
  }
  media_path_ = *path;
  return std::nullopt;
}

// RFC 8216, 6.3.4: again after a target duration; after half of one when nothing has changed.
std::optional<std::string> Player::on_media(int64_t now_us, int64_t utc_us, std::string_view text) {
  auto playlist = parse_hls(text);
  if (playlist && playlist->target_s <= 0) playlist = Unexpected("a media playlist without target duration");
  if (!playlist) {
    due_us_ = poll_us_ = now_us + kPlayerRetryUs;
    return playlist.error().message;
  }
  target_s_ = playlist->target_s;
  uint64_t past_end = playlist->media_sequence + playlist->segments.size();
  bool changed = !joined_ || past_end != last_sequence_ || playlist->ended != ended_;
  poll_us_ = asked_us_ + static_cast<int64_t>(target_s_ * 1e6 * (changed ? 1 : 0.5));
  last_sequence_ = past_end;
  ended_ = playlist->ended;
  if (playlist->segments.empty()) {
    due_us_ = poll_us_;
    return std::nullopt;
  }
  if (changed && joined_ && playlist->segments.back().start_us) {
    const HlsSegment& last = playlist->segments.back();
    events_.edge_age_s = static_cast<double>(utc_us - *last.start_us) / 1e6 - last.duration_s;
  }
  if (!joined_) join(*playlist);
  if (playlist->media_sequence > next_sequence_) {
    events_.skipped += playlist->media_sequence - next_sequence_;
    next_sequence_ = playlist->media_sequence;
  }
  if (next_sequence_ > past_end) return "a media sequence that went back";
  segments_.assign(
      playlist->segments.begin() + static_cast<std::ptrdiff_t>(next_sequence_ - playlist->media_sequence),
      playlist->segments.end());
  return std::nullopt;
}

void Player::join(const HlsPlaylist& playlist) {
  joined_ = true;
  next_sequence_ = playlist.media_sequence;
  if (playlist.ended) return;  // from the start
  size_t first = playlist.segments.size();
  double behind = 0;
  while (first > 0 && behind < kLiveTargets * target_s_) behind += playlist.segments[--first].duration_s;
  next_sequence_ += first;
}

void Player::drop_segment() {
  segments_.erase(segments_.begin());
  next_sequence_++;
  events_.skipped++;
}

void Player::on_segment(int64_t now_us, int64_t utc_us) {
  HlsSegment segment = std::move(segments_.front());
  segments_.erase(segments_.begin());
  next_sequence_++;
  buffered_s_ += segment.duration_s;
  events_.segments++;
  events_.media_s += segment.duration_s;
  if (picture_ == Picture::kStarting) events_.startup_s = static_cast<double>(now_us - started_us_) / 1e6;
  if (standing_s_ > 0) events_.stood_s = std::max(events_.stood_s.value_or(0), standing_s_);
  standing_s_ = 0;
  picture_ = Picture::kPlaying;
  if (segment.start_us)
    events_.latency_s =
        static_cast<double>(utc_us - *segment.start_us) / 1e6 - segment.duration_s + buffered_s_;
}

void Player::advance(int64_t now_us) {
  double passed = static_cast<double>(now_us - clock_us_) / 1e6;
  clock_us_ = now_us;
  bool over = ended_ && segments_.empty();
  if (picture_ == Picture::kPlaying) {
    buffered_s_ -= passed;
    if (buffered_s_ > 0) return;
    if (!over) {
      picture_ = Picture::kStalled;
      events_.stalls++;
      events_.stall_s -= buffered_s_;
      standing_s_ = -buffered_s_;
    }
    buffered_s_ = 0;
  } else if (picture_ == Picture::kStalled) {
    events_.stall_s += passed;
    standing_s_ += passed;
  }
  if (over && joined_ && buffered_s_ == 0) {
    picture_ = Picture::kEnded;
    due_us_ = INT64_MAX;
  }
}

}  // namespace headgate::load

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream.h"

#include <base/clock.h>
#include <feed/media_feed.h>
#include <playlist/rendition.h>

#include <algorithm>
#include <array>
#include <utility>

namespace headgate::origin {

Stream::Stream(Loop& loop, WaitingRoom& room, uint32_t event, uint32_t station,
               const playlist::IndexSettings& window, int64_t now_utc_us, bool has_archive)
    : event_(event),
      station_(station),
      since_utc_us_(now_utc_us),
      loop_(loop),
      room_(room),
      window_(window),
      index_(window),
      edge_(loop, room, index_) {
  if (has_archive) totals_.expect_before();
}

Stream::~Stream() {
  loop_.cancel(silence_timer_);
  loop_.cancel(untold_timer_);
}

void Stream::set_state(State state, int64_t now_utc_us) {
  changed_ = true;
  if (state == state_) return;
  state_ = state;
  since_utc_us_ = now_utc_us;
  look();
}

void Stream::look() {
  edge_.look(state_ == State::ended);
  for (auto& [name, one] : renditions_) one->edge.look(state_ == State::ended);
}

Rendition* Stream::rendition(const std::string& name) const {
  const auto found = renditions_.find(name);
  return found == renditions_.end() ? nullptr : found->second.get();
}

Rendition* Stream::make_rendition(const std::string& name) {
  if (Rendition* known = rendition(name)) return known;
  if (!playlist::valid_rendition(name) || renditions_.size() >= playlist::kMaxRenditions) return nullptr;
  auto& made = renditions_[name] = std::make_unique<Rendition>(loop_, room_, window_);
  made->live.follow(index_);
  if (replay_) made->replay.emplace();
  return made.get();
}

uint64_t Stream::version() const {
  uint64_t sum = index_.version() + renditions_.size();
  for (const auto& [name, one] : renditions_) sum += one->live.version();
  return sum;
}

uint64_t Stream::segments_version() const {
  uint64_t sum = index_.segments_version() + renditions_.size();
  for (const auto& [name, one] : renditions_) sum += one->live.segments_version();
  return sum;
}

void Stream::add(const std::string& rendition, const playlist::Record& record) {
  changed_ = true;
  if (rendition.empty() && std::holds_alternative<playlist::RunRecord>(record)) session_has_run_ = true;
  if (auto* part = std::get_if<playlist::PartRecord>(&record); part && rendition.empty()) {
    rates_.push_back({part->length, part->duration});
    if (rates_.size() > kRateParts) rates_.pop_front();
  }
  if (loaded_ && untold_timer_ == 0 && skips_numbers(rendition, record)) {
    wants_untold_ = true;
    untold_timer_ = loop_.after_ms(kUntoldPatienceMs, [this] {
      take_untold({});
      look();
    });
  }
  if (loaded_ && untold_timer_ == 0) return apply(rendition, record);
  // The disk has the older ones by the time it is read.
  if (early_.size() >= kMaxEarlyRecords) early_.erase(early_.begin(), early_.begin() + kMaxEarlyRecords / 2);
  early_.emplace_back(rendition, record);
}

// The run's number says that there is more on disk than was told.
bool Stream::skips_numbers(const std::string& rendition, const playlist::Record& record) const {
  const auto* run = std::get_if<playlist::RunRecord>(&record);
  const bool of_source = rendition.empty() || rendition == playlist::kFill;
  return run != nullptr && of_source && index_.next_msn() && run->first_msn > *index_.next_msn();
}

void Stream::take_untold(const NewestRecords& records) {
  if (untold_timer_ == 0) return;
  loop_.cancel(std::exchange(untold_timer_, 0));
  changed_ = true;
  for (const auto& [rendition, record] : records) apply(rendition, record);
  apply_early();
}

void Stream::apply_early() {
  for (const auto& early : std::exchange(early_, {})) apply(early.first, early.second);
}

void Stream::apply(const std::string& rendition, const playlist::Record& record) {
  if (playlist::is_fill(rendition)) return apply_fill(std::string(playlist::filled_by(rendition)), record);
  if (!rendition.empty()) {
    Rendition* one = make_rendition(rendition);
    if (!one) return;
    one->live.add(record, index_);
    if (one->replay) one->replay->add(record, *replay_);
    return note_growth();
  }
  index_.add(record);
  totals_.add(record);
  if (replay_) replay_->add(record);
  for (auto& [name, one] : renditions_) {
    one->live.follow(index_);
    if (one->replay) one->replay->follow(*replay_);
  }
  note_growth();
  if (std::holds_alternative<playlist::PartRecord>(record)) watch(index_.part_target_ms() + kSilenceTickMs);
}

void Stream::note_growth() {
  for (auto& [name, one] : renditions_)
    if (const uint64_t version = one->live.index().version(); version != one->grown_version) {
      one->grown_version = version;
      one->grown_us = system_clock().mono_us();
    }
}

// Until the source's next part.
void Stream::watch(int64_t in_ms) {
  loop_.cancel(std::exchange(silence_timer_, 0));
  if (index_.part_target_ms() > 0 && !renditions_.empty())
    silence_timer_ = loop_.after_ms(in_ms, [this] { look_behind(); });
}

// The source says nothing, and what it said last may be with encoders that wait for more (RFC
// 8216bis, 6.2.1).
void Stream::look_behind() {
  silence_timer_ = 0;
  if (!session_) return;
  const int64_t part_us = int64_t{index_.part_target_ms()} * 1000, now_us = system_clock().mono_us();
  bool any = false;
  for (auto& [name, one] : renditions_) {
    if (!one->live.behind(index_)) continue;
    any = true;
    if (now_us - one->grown_us < 2 * part_us + kSilenceSlackMs * 1000) continue;
    one->live.miss_next(index_);
    one->grown_version = one->live.index().version();
    one->grown_us += part_us;
  }
  if (!any) return;
  changed_ = true;
  look();
  watch(kSilenceTickMs);
}

// It stands in live playlists, and is nothing that was received: neither counted nor replayed.
void Stream::apply_fill(const std::string& rendition, const playlist::Record& record) {
  if (state_ == State::ended) return;
  const bool over = std::holds_alternative<playlist::EndRecord>(record);
  if (!rendition.empty()) {
    Rendition* one = make_rendition(rendition);
    if (one && over && !session_) one->live.stop(index_);
    if (one && !over) one->live.add(record, index_);
    return;
  }
  if (over && session_) return;  // its next run is there already
  index_.add(record);
  for (auto& [name, one] : renditions_) one->live.follow(index_);
}

void Stream::take_window(Window disk, int64_t now_utc_us, int64_t grace_us) {
  index_ = std::move(disk.index);
  edge_.forget();
  totals_ = std::move(disk.totals);
  loaded_ = true;
  changed_ = true;
  for (auto& [name, index] : disk.renditions) {
    Rendition* one = make_rendition(name);
    if (!one) continue;
    one->live = std::move(index);
    one->edge.forget();
  }
  apply_early();
  if (state_ != State::ended || !totals_.last_media_utc_us) return;
  // Nobody sends: since when, and is it worth waiting?
  since_utc_us_ = *totals_.last_media_utc_us;
  bool may_return = totals_.end_reason != "unpublish" && now_utc_us - since_utc_us_ < grace_us;
  if (may_return) state_ = State::waiting;
}

void Stream::take_before(const Totals::Before& before) {
  totals_.add(before);
  changed_ = true;
}

void Stream::session_opened(uint32_t worker, const wire::SessionOpened& session) {
  worker_ = worker;
  session_ = session;
  grace_ms_ = session.grace_ms < 0 ? std::nullopt : std::optional(session.grace_ms);
  session_has_run_ = false;
  received_bytes_ = 0;
  frame_rate_milli_ = 0;
  health_.clear();
  rates_.clear();
  for (auto& [name, one] : renditions_) one->live.forget_told();
  if (state_ != State::live) set_state(State::live, session.since_utc_us);
  changed_ = true;
}

bool Stream::session_closed(const wire::SessionClosed& closed, int64_t now_utc_us) {
  if (!session_ || session_->session != closed.session) return false;  // a newer one has the stream
  session_.reset();
  health_.clear();
  for (auto& [name, one] : renditions_) one->live.stop(index_);
  set_state(closed.reason == "unpublish" ? State::ended : State::waiting, now_utc_us);
  return true;
}

void Stream::health(const wire::SessionHealth& health) {
  if (!session_ || session_->session != health.session) return;
  health_ = health.json;
  received_bytes_ = health.received_bytes;
  frame_rate_milli_ = health.frame_rate_milli;
  changed_ = true;
}

bool Stream::take_picture(const wire::SessionPicture& picture, int64_t now_utc_us) {
  constexpr std::array kStart{std::byte{0xff}, std::byte{0xd8}};  // of image, ISO/IEC 10918-1, B.1.1.3
  if (!session_ || session_->session != picture.session) return false;
  if (picture.jpeg.size() > wire::kMaxPictureBytes || picture.jpeg.size() < kStart.size() ||
      !std::equal(kStart.begin(), kStart.end(), picture.jpeg.begin()))
    return false;
  poster_ = Poster{BytesPtr(g_bytes_new(picture.jpeg.data(), picture.jpeg.size())), now_utc_us};
  return true;
}

bool Stream::can_be_pictured() const {
  const playlist::InitRecord* init = index_.newest_init();
  return session_ && !tools::is_pipeline(worker_) && init && init->width > 0;
}

void Stream::grace_over(int64_t now_utc_us) {
  if (state_ == State::waiting) set_state(State::ended, now_utc_us);
}

std::optional<uint64_t> Stream::session() const {
  return session_ ? std::optional(session_->session) : std::nullopt;
}

void Stream::set_replay(playlist::StreamIndex index,
                        std::map<std::string, playlist::RenditionIndex> renditions) {
  drop_replay();
  replay_ = std::move(index);
  ++replays_read_;
  for (auto& [name, read] : renditions)
    if (Rendition* one = make_rendition(name)) one->replay = std::move(read);
}

void Stream::drop_replay() {
  replay_.reset();
  replay_text_.forget();
  for (auto& [name, one] : renditions_) {
    one->replay.reset();
    one->replay_text.forget();
    one->storyboard.forget();
    one->cues.forget();
  }
}

playlist::MediaPlaylistSettings Stream::replay_settings() const {
  playlist::MediaPlaylistSettings settings;
  settings.type = state_ == State::ended ? playlist::PlaylistType::vod : playlist::PlaylistType::event;
  return settings;
}

const TextPtr& Stream::replay_playlist() {
  return replay_text_.get(*replay_, replay_settings(), !replay_->segments().empty());
}

const TextPtr& Stream::replay_playlist(Rendition& one, bool pictures) const {
  playlist::MediaPlaylistSettings settings = replay_settings();
  settings.pictures = pictures;
  return one.replay_text.get(one.replay->index(), settings, one.replay->has_media());
}

std::optional<int64_t> Stream::kbps() const {
  uint64_t bytes = 0;
  int64_t ticks = 0;
  for (const Rate& rate : rates_) bytes += rate.bytes, ticks += rate.duration;
  if (state_ != State::live || ticks <= 0) return std::nullopt;
  return static_cast<int64_t>(bytes * 8 * playlist::kTimescale / 1000) / ticks;
}

}  // namespace headgate::origin

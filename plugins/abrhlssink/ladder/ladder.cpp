// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/ladder.h"

#include <algorithm>
#include <utility>

#include <base/clock.h>
#include <ladder/budget.h>

#include "common/mapped_buffer.h"
#include "ladder/announced.h"

namespace headgate::abrhlssink {

using codec::Kind;
using gst::MappedBuffer;
using gst::Ref;

Ladder::Ladder(LadderSettings settings, Events events)
    : settings_(std::move(settings)),
      events_(std::move(events)),
      renditions_(settings_.renditions, events_.records, events_.wake),
      video_(
          settings_.rungs, settings_.encoder, renditions_.sink(),
          [this](const RungNews& news) { tell(news); }, events_.thread),
      boundaries_(settings_.packager),
      demand_(settings_.idle_ns),
      turns_(settings_.renditions.root),
      relief_({.least_running = settings_.idle_ns > 0 ? 0u : 1u, .turn = [this](ladder::ReliefAction action) {
                 return turns_.take(action, system_clock().mono_us() * 1000);
               }}) {
  if (settings_.pictures) video_.make_stills();
  update_wishes();
  for (const ladder::Rung& rung : settings_.rungs)
    if (rung.is_audio())
      audio_.push_back(
          std::make_unique<AudioRung>(rung, settings_.loudness, renditions_.sink(), events_.thread));
  video_feeder_ = std::make_unique<Feeder>("hg-ladder", [this](Input input) {
    const bool end = std::holds_alternative<InputEnd>(input);
    video_.take(std::move(input));
    if (end) ended();
  });
  audio_feeder_ = std::make_unique<Feeder>("hg-ladder-audio", [this](Input input) {
    const bool end = std::holds_alternative<InputEnd>(input);
    take_audio(std::move(input));
    if (end) ended();
  });
}

Ladder::~Ladder() {
  stop();
}

void Ladder::caps(Kind kind, GstCaps* caps) {
  (kind == Kind::video ? video_feeder_ : audio_feeder_)->put(Ref<GstCaps>::retain(caps), true);
}

void Ladder::frame(Kind kind, GstBuffer* buffer, int64_t dts_ns, int64_t pts_ns, bool key, bool live) {
  EncodedFrame frame{Ref<GstBuffer>::retain(buffer), dts_ns, pts_ns, key, false};
  frame.boundary = kind == Kind::video && boundaries_.next(dts_ns, pts_ns, key);
  put(kind, std::move(frame), live);
}

void Ladder::put(Kind kind, EncodedFrame frame, bool live) {
  live_ = live;
  if (kind == Kind::audio) {
    frame.key = true;
    audio_feeder_->put(std::move(frame), !live);
    return;
  }
  const bool key = frame.key;
  video_.may_wait(!live);
  if (live) relieve();
  video_feeder_->put(std::move(frame), !live);
  if (settings_.idle_ns > 0 && key) look();
}

void Ladder::drain(Kind kind) {
  (kind == Kind::video ? video_feeder_ : audio_feeder_)->put(InputDrain{}, false);
}

void Ladder::end(Kind kind) {
  {
    std::lock_guard lock(mutex_);
    ++ending_;
  }
  if (!(kind == Kind::video ? video_feeder_ : audio_feeder_)->put(InputEnd{}, true)) ended();
}

void Ladder::ended() {
  std::function<void()> done;
  {
    std::lock_guard lock(mutex_);
    if (--ending_ == 0) done = std::exchange(drained_, nullptr);
  }
  if (done) done();
}

void Ladder::when_drained(std::function<void()> done) {
  {
    std::lock_guard lock(mutex_);
    if (ending_ > 0) {
      drained_ = std::move(done);
      return;
    }
  }
  done();
}

void Ladder::source(uint32_t event, uint32_t station) {
  renditions_.source(event, station);
  std::lock_guard lock(mutex_);
  relief_.spread(uint64_t{event} << 32 | station);
}

void Ladder::session(Kind kind) {
  if (kind != Kind::video) return;
  boundaries_.reset();
  std::lock_guard lock(mutex_);
  relief_.starve(false);
}

void Ladder::uplink(Kind kind, bool late) {
  if (kind != Kind::video) return;
  std::lock_guard lock(mutex_);
  relief_.starve(late);
}

void Ladder::flush(Kind kind) {
  if (kind == Kind::video) boundaries_.reset();
  (kind == Kind::video ? video_feeder_ : audio_feeder_)->flush();
}

void Ladder::relieve() {
  const VideoLadder::Counts counts = video_.counts();
  const int64_t waiting_ns = video_feeder_->waiting_ns();
  std::unique_lock lock(mutex_);
  const ladder::Relief::Action action =
      relief_.update(system_clock().mono_us() * 1000, waiting_ns, counts.running, counts.paused, counts.slow);
  const bool starved = relief_.starved();
  lock.unlock();
  switch (action) {
    case ladder::Relief::Action::pause:
      return video_.pause_one(starved, turns_.short_of_processors());
    case ladder::Relief::Action::resume:
      return video_.resume_one();
    case ladder::Relief::Action::none:
      return;
  }
}

void Ladder::tell(const RungNews& news) {
  if (news.record) {
    playlist::RenditionRecord record = *news.record;
    record.on_demand = settings_.idle_ns > 0;
    renditions_.tell(news.rendition, record);
  }
  events_.news(news);
}

void Ladder::take_audio(Input input) {
  if (auto* caps = std::get_if<Ref<GstCaps>>(&input)) {
    sound_caps_ = *caps;
    for (const auto& rung : audio_)
      if (wants_sound(rung->name())) start_sound(*rung);
    if (!settings_.pass_audio) return;
    const auto track = pass_finder_.caps(caps->get());
    passing_ = track && *track;
    if (passing_) renditions_.track(kPassedAudio, **track);
  } else if (const auto* frame = std::get_if<EncodedFrame>(&input)) {
    for (const auto& rung : audio_) {
      const bool wanted = wants_sound(rung->name());
      if (wanted && !rung->has_caps() && sound_caps_) start_sound(*rung);
      if (!wanted) stop_sound(*rung);
      if (!wanted || !rung->has_caps()) continue;
      if (auto pushed = rung->push(*frame, !live_); !pushed)
        events_.news({rung->name(), "failed", pushed.error().message});
    }
    if (settings_.pass_audio) pass(*frame);
  } else {
    for (const auto& rung : audio_) rung->finish("");
    if (std::holds_alternative<InputEnd>(input)) sound_caps_.reset();  // else the next frame has the same
    if (passing_) renditions_.end(kPassedAudio, "");
  }
}

void Ladder::start_sound(AudioRung& rung) {
  const bool begins = !rung.has_caps();
  auto taken = rung.caps(sound_caps_.get());
  if (!taken)
    tell_sound(rung.rung(), "failed", taken.error().message, playlist::RenditionState::paused);
  else if (begins)
    tell_sound(rung.rung(), "running", "", playlist::RenditionState::running);
}

void Ladder::stop_sound(AudioRung& rung) {
  if (!rung.has_caps()) return;
  rung.finish("stopped");
  tell_sound(rung.rung(), "stopped", "not wanted", playlist::RenditionState::idle);
}

// Of sound that is always there its media says everything.
void Ladder::tell_sound(const ladder::Rung& rung, const char* state, const std::string& reason,
                        playlist::RenditionState is) {
  if (!settings_.sound_on_demand) {
    if (is == playlist::RenditionState::paused) events_.news({rung.name, state, reason});
    return;
  }
  playlist::RenditionRecord record;
  {
    std::lock_guard lock(mutex_);
    if (is == playlist::RenditionState::idle)
      begun_sound_.erase(rung.name);
    else
      begun_sound_.insert(rung.name);
    record = rendition_of(rung, channels_);
  }
  record.state = is;
  tell({rung.name, state, reason, std::move(record)});
}

bool Ladder::wants_sound(const std::string& name) {
  if (!settings_.sound_on_demand) return true;
  std::lock_guard lock(mutex_);
  return demand_.is_asked(name, system_clock().mono_us() * 1000);
}

void Ladder::pass(const EncodedFrame& frame) {
  MappedBuffer mapped(frame.buffer);
  if (mapped.bytes().empty()) return;
  if (const auto track = pass_finder_.look(mapped.bytes())) {
    renditions_.track(kPassedAudio, *track);
    passing_ = true;
  }
  if (!passing_ || !pass_finder_.usable(mapped.bytes())) return;
  store::DerivedUnit unit;
  unit.dts_ns = unit.pts_ns = frame.pts_ns;
  unit.key = true;
  unit.data = mapped.bytes();
  unit.holder = std::move(mapped).into_holder();
  renditions_.unit(kPassedAudio, std::move(unit));
}

void Ladder::activate(Demand::Names names) {
  {
    std::lock_guard lock(mutex_);
    demand_.activate(std::move(names));
  }
  look();
}

void Ladder::ask(const std::string& name) {
  {
    std::lock_guard lock(mutex_);
    demand_.ask(name, system_clock().mono_us() * 1000);
  }
  look();
}

void Ladder::look() {
  update_wishes();
  video_.tell_unwanted();
  if (!video_.busy()) relieve();  // otherwise put() does, as long as frames come
}

void Ladder::update_wishes() {
  std::lock_guard lock(mutex_);
  video_.want(demand_.wanted(system_clock().mono_us() * 1000));
}

bool Ladder::busy() {
  update_wishes();
  return video_.busy() ||
         std::any_of(settings_.rungs.begin(), settings_.rungs.end(),
                     [this](const auto& rung) { return rung.is_audio() && wants_sound(rung.name); });
}

void Ladder::rest() {
  video_feeder_->rest();
  audio_feeder_->rest();
  for (const auto& rung : audio_) stop_sound(*rung);
}

namespace {

// What records say of it: neither its bit rate nor the shape of its pixels.
ladder::SourcePicture picture_of(const playlist::InitRecord& source) {
  ladder::SourcePicture picture;
  picture.width = source.width;
  picture.height = source.height;
  picture.stands = source.codecs.rfind("avc", 0) == 0;
  return picture;
}

bool same_picture(const ladder::SourcePicture& a, const ladder::SourcePicture& b) {
  return a.width == b.width && a.height == b.height && a.stands == b.stands;
}

}  // namespace

void Ladder::announce(const playlist::InitRecord& source) {
  const uint32_t rate_milli = source.frame_rate_milli > 0 ? source.frame_rate_milli : ladder::kUsualRateMilli;
  ladder::SourcePicture picture = picture_of(source);
  if (const auto seen = video_.source(); seen && same_picture(*seen, picture)) picture = *seen;
  const ladder::Plan plan = ladder::make_plan(settings_.rungs, picture);
  const std::vector<std::string> running = video_.running();
  for (const ladder::PlannedRung& planned : plan.rungs) {
    if (std::find(running.begin(), running.end(), planned.rung.name) != running.end() ||
        video_.cannot_run(planned.rung.name))
      continue;
    playlist::RenditionRecord record = rendition_of(settings_.encoder, planned, rate_milli, 1000);
    record.state = playlist::RenditionState::idle;
    tell({planned.rung.name, "idle", "not wanted", std::move(record)});
  }
  if (!settings_.sound_on_demand || source.channels == 0) return;
  std::set<std::string> begun;
  {
    std::lock_guard lock(mutex_);
    channels_ = source.channels;
    begun = begun_sound_;
  }
  for (const ladder::Rung& rung : settings_.rungs)
    if (rung.is_audio() && begun.count(rung.name) == 0)
      tell_sound(rung, "idle", "not wanted", playlist::RenditionState::idle);
}

LadderStats Ladder::stats() const {
  LadderStats stats;
  stats.running = video_.running();
  stats.pictures = video_.pictures();
  stats.dropped_frames = video_feeder_->dropped() + audio_feeder_->dropped();
  stats.waiting_ms = video_feeder_->waiting_ns() / 1'000'000;
  return stats;
}

void Ladder::release() {
  video_.release();
  for (const auto& rung : audio_) rung->release();
  renditions_.release();
  video_feeder_->stop();
  audio_feeder_->stop();
}

void Ladder::stop() {
  release();
  video_.stop();
  for (const auto& rung : audio_) rung->stop();
  renditions_.close("stopped");
}

}  // namespace headgate::abrhlssink

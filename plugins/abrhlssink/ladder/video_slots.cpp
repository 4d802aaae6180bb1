// SPDX-License-Identifier: LGPL-2.1-or-later
// The half of VideoLadder that starts and stops rungs.
#include <algorithm>
#include <chrono>
#include <utility>

#include "ladder/announced.h"
#include "ladder/video_ladder.h"

namespace headgate::abrhlssink {

ladder::Plan VideoLadder::plan_for(const ladder::SourcePicture& source) {
  ladder::Plan plan = ladder::make_plan(rungs_, source);
  std::lock_guard lock(mutex_);
  source_ = source;
  dropped_.clear();
  failed_.clear();
  for (const auto& drop : plan.dropped) dropped_.insert(drop.rung.name);
  return plan;
}

// What is to be had, before anything is decoded: nobody asks for what is not listed.
void VideoLadder::announce() {
  if (std::exchange(announced_, true)) return;
  rate_ = finder_->rate();
  const ladder::Plan plan = plan_for(coded_);
  for (const auto& drop : plan.dropped)
    tell_({drop.rung.name, "dropped",
           drop.reason == ladder::DropReason::is_source ? "the source stands for it"
                                                        : "the source is smaller"});
  for (const ladder::PlannedRung& rung : plan.rungs)
    if (wish(rung.rung.name) == Wish::stop) tell(rung, settings_, "idle", "not wanted");
}

void VideoLadder::replan(const GstVideoInfo& info) {
  finish_rungs("", drain_time());
  slots_.clear();
  info_ = info;
  planned_ = true;
  ladder::SourcePicture source = coded_;
  source.width = static_cast<uint32_t>(GST_VIDEO_INFO_WIDTH(&info));
  source.height = static_cast<uint32_t>(GST_VIDEO_INFO_HEIGHT(&info));
  source.aspect_over = static_cast<uint32_t>(std::max(info.par_n, 1));
  source.aspect_under = static_cast<uint32_t>(std::max(info.par_d, 1));
  const ladder::Plan plan = plan_for(source);
  for (const ladder::PlannedRung& planned : plan.rungs) {
    Slot& slot = slots_.emplace_back();
    slot.plan = planned;
    slot.encoder = settings_;
  }
}

void VideoLadder::tell(const ladder::PlannedRung& rung, const EncoderSettings& encoder, const char* state,
                       const std::string& reason, const char* cause) {
  const std::string_view name = state;
  playlist::RenditionRecord record = rendition_of(encoder, rung, rate_.over, rate_.under);
  record.state = name == "running"                      ? playlist::RenditionState::running
                 : name == "paused" || name == "failed" ? playlist::RenditionState::paused
                                                        : playlist::RenditionState::idle;
  const bool paused = record.state == playlist::RenditionState::paused;
  playlist::RenditionRecord then = record;
  then.state = playlist::RenditionState::idle;
  tell_({rung.rung.name, state, reason, std::move(record), cause});
  std::lock_guard lock(mutex_);
  told_paused_.erase(rung.rung.name);
  if (paused && dropped_.count(rung.rung.name) == 0) told_paused_.emplace(rung.rung.name, std::move(then));
}

// Rungs leave with any picture and come with one that begins a segment.
void VideoLadder::reconcile(bool boundary) {
  std::erase_if(ending_, [](const auto& rung) { return rung->gone(); });
  for (Slot& slot : slots_) {
    const std::string& name = slot.plan.rung.name;
    const size_t gone = std::erase_if(slot.leaving, [this](const auto& rung) {
      const bool over = rung->finished() || rung->failed() || rung->overdue();
      if (over) retire(rung, "error");
      return over;
    });
    if (gone > 0) note_running();
    const Wish wanted = wish(name);
    if (slot.rung && slot.rung->failed()) {
      const std::string error = slot.rung->error();
      const bool hung = slot.rung->hung();
      leave(slot, nullptr);
      note_failure(slot, error, hung);
    } else if (slot.rung && wanted != Wish::run) {
      give_up(slot, wanted);
    } else if (slot.rung && boundary) {
      slot.failures = 0;  // it has been through a segment
      if (slot.rung->steady()) slot.hangs = 0;
    }
    const bool may_start = boundary && wanted == Wish::run && !slot.rung && slot.leaving.empty() &&
                           slot.failures < kMaxEncoderFailures;
    if (may_start && start(slot)) tell(slot, "running", "");
  }
  connect();
}

bool VideoLadder::start(Slot& slot) {
  const GstVideoInfo to = scaled_info(info_, slot.plan.width, slot.plan.height, static_cast<int>(rate_.over),
                                      static_cast<int>(rate_.under));
  auto rung = VideoRung::start(slot.plan.rung.name, slot.plan.rung.kbps, to, slot.encoder, sink_, on_thread_);
  if (!rung) {
    note_failure(slot, rung.error().message, false);
    return false;
  }
  slot.rung = std::move(rung).value();
  chain_is_old_ = true;
  note_running();
  return true;
}

void VideoLadder::note_failure(Slot& slot, const std::string& error, bool hung) {
  slot.hangs += hung;
  if (++slot.failures < kMaxEncoderFailures && slot.hangs < kMaxEncoderHangs)
    return tell(slot, "failed", error);
  slot.tried.insert(encoder_name(slot.encoder));
  const auto next = next_encoder(slot.tried);
  if (next && is_encoder(settings_.encoder)) {
    slot.encoder.encoder = *next;
    slot.failures = slot.hangs = 0;
    return tell(slot, "failed", error + "; it is " + *next + "'s turn");
  }
  slot.failures = kMaxEncoderFailures;
  {
    std::lock_guard lock(mutex_);
    dropped_.insert(slot.plan.rung.name);
    failed_.insert(slot.plan.rung.name);
  }
  tell(slot, "failed", error);
}

// It runs, and is not to.
void VideoLadder::give_up(Slot& slot, Wish wanted) {
  const bool paused = wanted == Wish::pause;
  auto cause = PauseCause::processors;
  if (paused) {
    std::lock_guard lock(mutex_);
    if (const auto found = paused_.find(slot.plan.rung.name); found != paused_.end()) cause = found->second;
  }
  leave(slot, slot.rung->failed() ? nullptr : paused ? "paused" : "stopped");
  if (paused)
    tell(slot, "paused", text_of(cause), name_of(cause));
  else
    tell(slot, "stopped", "not wanted");
}

// `reason` none: it has failed, and nothing comes out of it any more.
void VideoLadder::leave(Slot& slot, const char* reason) {
  const auto rung = std::exchange(slot.rung, nullptr);
  slot.last.reset();
  slot.scaler.reset();
  chain_is_old_ = true;
  if (reason) {
    rung->finish(reason);
    slot.leaving.push_back(rung);
  } else {
    retire(rung, "error");
  }
  note_running();
}

// Its encoder is not waited for: the others go on.
void VideoLadder::retire(const std::shared_ptr<VideoRung>& rung, const char* reason) {
  rung->abort(reason);
  ending_.push_back(rung);
}

void VideoLadder::note_running() {
  std::vector<std::string> running;
  std::vector<std::shared_ptr<VideoRung>> live;  // then those of before: encoders end without the lock
  for (const Slot& slot : slots_) {
    if (slot.rung) {
      running.push_back(slot.plan.rung.name);
      live.push_back(slot.rung);
    }
    live.insert(live.end(), slot.leaving.begin(), slot.leaving.end());
  }
  std::lock_guard lock(mutex_);
  running_.swap(running);
  live_.swap(live);
}

// Rungs that run are scaled from one another (ladder::scaled_from).
void VideoLadder::connect() {
  if (!std::exchange(chain_is_old_, false)) return;
  std::vector<Slot*> running;
  std::vector<uint32_t> lines;
  for (Slot& slot : slots_) {
    if (!slot.rung) continue;
    running.push_back(&slot);
    lines.push_back(slot.plan.rung.lines);
  }
  const auto from = ladder::scaled_from(lines);
  for (size_t i = 0; i < running.size(); ++i) {
    Slot& slot = *running[i];
    slot.larger = from[i] ? running[*from[i]] : nullptr;
    if (slot.larger && !slot.larger->scaler) slot.larger = nullptr;
    const GstVideoInfo to = scaled_info(info_, slot.plan.width, slot.plan.height,
                                        static_cast<int>(rate_.over), static_cast<int>(rate_.under));
    auto scaler = Scaler::make(slot.larger ? slot.larger->scaler->to() : info_, to);
    if (scaler) {
      slot.scaler = std::move(scaler).value();
    } else {
      slot.scaler.reset();
      tell(slot, "failed", scaler.error().message);
    }
  }
}

void VideoLadder::finish_rungs(const char* reason, std::chrono::seconds longest) {
  for (Slot& slot : slots_) {
    if (!slot.rung) continue;
    if (*reason)
      give_up(slot, wish(slot.plan.rung.name));
    else
      leave(slot, slot.rung->failed() ? nullptr : "");
  }
  // All at once, so that they drain beside one another.
  const auto deadline = std::chrono::steady_clock::now() + longest;
  for (Slot& slot : slots_) {
    for (const auto& rung : slot.leaving) {
      rung->wait_finished(deadline);
      retire(rung, *reason ? reason : "error");
    }
    slot.leaving.clear();
  }
  if (stills_) stills_->finish(reason);
  note_running();
}

void VideoLadder::release() {
  released_ = true;
  std::vector<std::shared_ptr<VideoRung>> live;
  {
    std::lock_guard lock(mutex_);
    live = live_;
    changed_.notify_all();
  }
  for (const auto& rung : live) rung->release();
  if (stills_) stills_->release();
}

void VideoLadder::stop() {
  release();
  if (decoder_) decoder_->stop();
  decoder_.reset();
  for (Slot& slot : slots_) {
    if (slot.rung) retire(slot.rung, "stopped");
    for (const auto& rung : slot.leaving) retire(rung, "stopped");
    slot.rung.reset();
    slot.leaving.clear();
    slot.scaler.reset();
    slot.last.reset();
  }
  if (stills_) stills_->stop();
  note_running();
  for (const auto& rung : ending_) rung->wait_gone();
  ending_.clear();
}

}  // namespace headgate::abrhlssink

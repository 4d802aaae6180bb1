// SPDX-License-Identifier: LGPL-2.1-or-later
// The part of VideoLadder that any thread may ask: which rungs are to run, and do.
#include <algorithm>
#include <utility>

#include "ladder/video_ladder.h"

namespace headgate::abrhlssink {

void VideoLadder::tell_unwanted() {
  std::map<std::string, playlist::RenditionRecord> unwanted;
  {
    std::lock_guard lock(mutex_);
    for (auto told = told_paused_.begin(); told != told_paused_.end();) {
      const auto one = told++;
      if (!is_wanted(one->first)) unwanted.insert(told_paused_.extract(one));
    }
  }
  for (auto& [name, record] : unwanted) tell_({name, "stopped", "not wanted", std::move(record)});
}

VideoLadder::Wish VideoLadder::wish(const std::string& name) const {
  std::lock_guard lock(mutex_);
  if (!is_wanted(name)) return Wish::stop;
  return paused_.count(name) != 0 ? Wish::pause : Wish::run;
}

bool VideoLadder::anything_wanted() const {
  std::lock_guard lock(mutex_);
  return std::any_of(rungs_.begin(), rungs_.end(), [this](const ladder::Rung& rung) {
    return !rung.is_audio() && dropped_.count(rung.name) == 0 && paused_.count(rung.name) == 0 &&
           is_wanted(rung.name);
  });
}

void VideoLadder::want(std::optional<std::set<std::string>> names) {
  std::lock_guard lock(mutex_);
  wanted_ = std::move(names);
  std::erase_if(paused_, [this](const auto& paused) { return !is_wanted(paused.first); });
}

const VideoRung* VideoLadder::runs(const std::string& name) const {
  if (!is_wanted(name) || paused_.count(name) != 0) return nullptr;
  const auto found =
      std::find_if(live_.begin(), live_.end(), [&](const auto& rung) { return rung->name() == name; });
  return found != live_.end() ? found->get() : nullptr;
}

const char* name_of(PauseCause cause) {
  switch (cause) {
    case PauseCause::processors:
      return "processors";
    case PauseCause::encoder:
    case PauseCause::threads:
      return "encoder";
    case PauseCause::source:
      break;
  }
  return "source";
}

const char* text_of(PauseCause cause) {
  switch (cause) {
    case PauseCause::processors:
    case PauseCause::threads:
      return "encoding falls behind";
    case PauseCause::encoder:
      return "its encoder is slower than the source";
    case PauseCause::source:
      break;
  }
  return "the source comes late";
}

PauseCause pause_cause(bool late, bool short_of_processors, bool slow_encoder) {
  if (late) return PauseCause::source;
  if (short_of_processors) return PauseCause::processors;
  return slow_encoder ? PauseCause::encoder : PauseCause::threads;
}

void VideoLadder::pause_one(bool late, bool short_of_processors) {
  std::lock_guard lock(mutex_);
  const VideoRung* chosen = nullptr;
  for (const std::string& name : running_) {
    const VideoRung* const rung = runs(name);
    if (!rung || (chosen && !rung->strained())) continue;
    chosen = rung;
    if (late || rung->strained()) break;
  }
  if (!chosen) return;
  paused_.emplace(chosen->name(), pause_cause(late, short_of_processors, chosen->slow()));
}

void VideoLadder::resume_one() {
  std::lock_guard lock(mutex_);
  for (auto rung = rungs_.rbegin(); rung != rungs_.rend(); ++rung)
    if (paused_.erase(rung->name) > 0) return;
}

VideoLadder::Counts VideoLadder::counts() const {
  std::lock_guard lock(mutex_);
  Counts counts;
  for (const std::string& name : running_) {
    counts.running += paused_.count(name) == 0;
    const VideoRung* const rung = runs(name);
    counts.slow |= rung && rung->slow();
  }
  counts.paused = paused_.size();
  return counts;
}

std::vector<std::string> VideoLadder::running() const {
  std::lock_guard lock(mutex_);
  return running_;
}

std::optional<ladder::SourcePicture> VideoLadder::source() const {
  std::lock_guard lock(mutex_);
  return source_;
}

bool VideoLadder::cannot_run(const std::string& name) const {
  std::lock_guard lock(mutex_);
  return paused_.count(name) != 0 || told_paused_.count(name) != 0 || failed_.count(name) != 0;
}

}  // namespace headgate::abrhlssink

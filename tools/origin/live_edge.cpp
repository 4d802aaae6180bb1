// SPDX-License-Identifier: LGPL-2.1-or-later
#include "live_edge.h"

#include <base/clock.h>

#include <algorithm>
#include <string>
#include <utility>

namespace headgate::origin {

LiveEdge::~LiveEdge() {
  loop_.cancel(timer_);
  while (!waiting_.empty()) leave(waiting_.begin());
}

const TextPtr& LiveEdge::playlist(const Which& which, bool ended, uint64_t others,
                                  const std::function<Reports()>& reports) {
  const auto view = static_cast<size_t>(which.view);
  const KeptText::Version version{index_.version(), others, which.facts ? which.facts->size() : 0, ended};
  return texts_[view][which.skip ? 1 : 0].get(version, [&] {
    playlist::MediaPlaylistSettings settings;
    settings.ended = ended;
    settings.view = which.view;
    settings.facts = which.facts;
    settings.directives = true;
    settings.skip = which.skip;
    settings.pictures = which.pictures;
    if (!ended) settings.reports = reports();
    return playlists_[view].text(index_, settings);
  });
}

LiveEdge::WaiterId LiveEdge::wait(uint64_t msn, std::optional<uint32_t> part, const std::string& whose,
                                  Done done) {
  return add({msn, part, Wants::playlist, whose, 0, std::move(done)});
}

LiveEdge::WaiterId LiveEdge::wait_for_hinted(const playlist::PartName& name, const std::string& whose,
                                             Done done) {
  return add({name.msn, name.index, Wants::hinted, whose, 0, std::move(done)});
}

LiveEdge::WaiterId LiveEdge::wait_within_run(const playlist::PartName& name, const std::string& whose,
                                             Done done) {
  return add({name.msn, name.index, Wants::more_of_run, whose, 0, std::move(done)});
}

LiveEdge::WaiterId LiveEdge::wait_until(There there, const std::string& whose, Done done) {
  return add({0, std::nullopt, Wants::other, whose, 0, std::move(done), std::move(there)});
}

LiveEdge::WaiterId LiveEdge::add(Waiter waiter) {
  if (!room_.enter(waiter.whose)) return 0;
  const int64_t patience_ms =
      std::max(kLeastPatienceMs, kPatienceTargets * int64_t{index_.target_seconds()} * 1000);
  waiter.until_us = system_clock().mono_us() + patience_ms * 1000;
  waiting_.emplace(++last_id_, std::move(waiter));
  if (timer_ == 0) arm();
  return last_id_;
}

LiveEdge::Waiter LiveEdge::leave(std::map<WaiterId, Waiter>::iterator waiter) {
  room_.leave(waiter->second.whose);
  return std::move(waiting_.extract(waiter).mapped());
}

void LiveEdge::cancel(WaiterId id) {
  if (const auto found = waiting_.find(id); found != waiting_.end()) leave(found);
}

std::optional<LiveEdge::Outcome> LiveEdge::outcome(const Waiter& waiter, bool ended) const {
  if (waiter.wants == Wants::other) {
    if (waiter.there()) return Outcome::came;
    return ended ? std::optional(Outcome::never) : std::nullopt;
  }
  if (waiter.wants == Wants::playlist) {
    if (ended || playlist::has(index_, waiter.msn, waiter.part)) return Outcome::came;
    return std::nullopt;
  }
  if (index_.find_part(waiter.msn, *waiter.part)) return Outcome::came;
  // Behind a run's end the next one's first part has the name that was hinted.
  const auto next =
      waiter.wants == Wants::hinted ? playlist::next_part(index_) : playlist::hinted_part(index_);
  if (!ended && next == playlist::PartName{waiter.msn, *waiter.part}) return std::nullopt;
  return Outcome::never;
}

void LiveEdge::look(bool ended) {
  std::vector<Waiter> over;
  for (auto waiter = waiting_.begin(); waiter != waiting_.end();) {
    const auto next = std::next(waiter);
    if (const auto known = outcome(waiter->second, ended)) {
      waiter->second.outcome = *known;
      over.push_back(leave(waiter));
    }
    waiter = next;
  }
  for (const Waiter& waiter : over) waiter.done(waiter.outcome);
}

// For the one who is late first; who has been answered meanwhile costs a call too many.
void LiveEdge::arm() {
  if (waiting_.empty()) return;
  const int64_t left_us = waiting_.begin()->second.until_us - system_clock().mono_us();
  timer_ = loop_.after_ms(std::max<int64_t>(left_us / 1000 + 1, 1), [this] { expire(); });
}

// Who came first is late first.
void LiveEdge::expire() {
  timer_ = 0;
  const int64_t now_us = system_clock().mono_us();
  std::vector<Waiter> late;
  while (!waiting_.empty() && waiting_.begin()->second.until_us <= now_us)
    late.push_back(leave(waiting_.begin()));
  arm();
  for (const Waiter& waiter : late) waiter.done(Outcome::late);
}

void LiveEdge::forget() {
  for (playlist::LivePlaylist& one : playlists_) one.forget();
  for (auto& of_view : texts_)
    for (KeptText& text : of_view) text.forget();
}

}  // namespace headgate::origin

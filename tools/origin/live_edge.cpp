// SPDX-License-Identifier: LGPL-2.1-or-later
#include "live_edge.h"

#include <base/clock.h>

#include <algorithm>
#include <string>
#include <utility>

namespace headgate::origin {

LiveEdge::~LiveEdge() {
  loop_.cancel(timer_);
}

BytesPtr LiveEdge::playlist(const Which& which, bool ended) {
  const auto view = static_cast<size_t>(which.view);
  Text& text = texts_[view][which.skip ? 1 : 0];
  const size_t facts = which.facts ? which.facts->size() : 0;
  if (!text.bytes || text.version != index_.version() || text.ended != ended || text.facts != facts ||
      text.reports != which.reports) {
    playlist::MediaPlaylistSettings settings;
    settings.ended = ended;
    settings.view = which.view;
    settings.facts = which.facts;
    settings.directives = true;
    settings.skip = which.skip;
    settings.reports = which.reports;
    settings.pictures = which.pictures;
    const std::string made = playlists_[view].text(index_, settings);
    text = {index_.version(), ended, facts, which.reports, BytesPtr(g_bytes_new(made.data(), made.size()))};
  }
  return BytesPtr(g_bytes_ref(text.bytes.get()));
}

bool LiveEdge::wait(uint64_t msn, std::optional<uint32_t> part, Done done) {
  return add({msn, part, false, 0, std::move(done)});
}

bool LiveEdge::wait_for_hinted(const playlist::PartName& name, Done done) {
  return add({name.msn, name.index, true, 0, std::move(done)});
}

bool LiveEdge::add(Waiter waiter) {
  if (waiting_.size() >= kMaxWaiting) return false;
  const int64_t patience_ms =
      std::max(kLeastPatienceMs, kPatienceTargets * int64_t{index_.target_seconds()} * 1000);
  waiter.until_us = system_clock().mono_us() + patience_ms * 1000;
  waiting_.push_back(std::move(waiter));
  if (timer_ == 0) arm();
  return true;
}

std::optional<LiveEdge::Outcome> LiveEdge::outcome(const Waiter& waiter, bool ended) const {
  if (!waiter.hinted) {
    if (ended || playlist::has(index_, waiter.msn, waiter.part)) return Outcome::came;
    return std::nullopt;
  }
  if (index_.find_part(waiter.msn, *waiter.part)) return Outcome::came;
  // Behind a run's end the next one's first part has the name that was hinted.
  const auto next = playlist::next_part(index_);
  if (!ended && next == playlist::PartName{waiter.msn, *waiter.part}) return std::nullopt;
  return Outcome::never;
}

void LiveEdge::look(bool ended) {
  std::list<Waiter> over;
  for (auto waiter = waiting_.begin(); waiter != waiting_.end();) {
    const auto next = std::next(waiter);
    if (const auto known = outcome(*waiter, ended)) {
      waiter->outcome = *known;
      over.splice(over.end(), waiting_, waiter);
    }
    waiter = next;
  }
  for (const Waiter& waiter : over) waiter.done(waiter.outcome);
}

// For the one who is late first; who has been answered meanwhile costs a call too many.
void LiveEdge::arm() {
  if (waiting_.empty()) return;
  const int64_t left_us = waiting_.front().until_us - system_clock().mono_us();
  timer_ = loop_.after_ms(std::max<int64_t>(left_us / 1000 + 1, 1), [this] { expire(); });
}

void LiveEdge::expire() {
  timer_ = 0;
  const int64_t now_us = system_clock().mono_us();
  std::list<Waiter> late;
  while (!waiting_.empty() && waiting_.front().until_us <= now_us)
    late.splice(late.end(), waiting_, waiting_.begin());
  arm();
  for (const Waiter& waiter : late) waiter.done(Outcome::late);
}

void LiveEdge::forget() {
  for (playlist::LivePlaylist& one : playlists_) one.forget();
  texts_ = {};
}

}  // namespace headgate::origin

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "catalog.h"

#include <base/json_line.h>
#include <common/utc.h>

#include <algorithm>
#include <utility>

namespace headgate::origin {

Catalog::Catalog(Loop& loop, Archive& archive, const CatalogSettings& settings)
    : loop_(loop), archive_(archive), settings_(settings), room_(settings.most_waiting) {}

Catalog::~Catalog() {
  for (auto& [station, timer] : grace_timers_) loop_.cancel(timer);
}

void Catalog::start() {
  archive_.list_stations([this](std::vector<uint32_t> stations) {
    for (uint32_t station : stations) {
      stream(station, true);
      load(station, false);
    }
    listed_ = true;
    for (auto& go_on : std::exchange(want_listed_, {})) go_on();
  });
}

Stream* Catalog::find(uint32_t station) {
  auto found = streams_.find(station);
  return found == streams_.end() ? nullptr : found->second.get();
}

bool Catalog::settled() const {
  return listed_ && std::all_of(streams_.begin(), streams_.end(), [](const auto& one) {
           return !one.second->session() || one.second->loaded();
         });
}

Stream& Catalog::stream(uint32_t station, bool has_archive) {
  auto& slot = streams_[station];
  if (!slot)
    slot = std::make_unique<Stream>(loop_, room_, settings_.event, station, settings_.window,
                                    system_clock().utc_us(), has_archive);
  return *slot;
}

void Catalog::load(uint32_t station, bool urgent) {
  archive_.load_window(station, settings_.window, urgent,
                       [this, station](Window window) { take_window(station, std::move(window)); });
}

void Catalog::take_window(uint32_t station, Window window) {
  Stream* one = find(station);
  if (one->loaded()) return;  // asked for twice: once in its turn, once by a viewer
  Unread unread = std::move(window.unread);
  one->take_window(std::move(window), system_clock().utc_us(), settings_.grace_ms * 1000);
  if (!unread.empty())
    archive_.sum(station, std::move(unread),
                 [this, station](const Totals::Before& before) { find(station)->take_before(before); });
  if (one->state() == State::waiting) wait_for_return(*one);
  for (auto& ready : std::exchange(want_loaded_[station], {})) ready(one);
  want_loaded_.erase(station);
}

void Catalog::session_opened(uint32_t worker, const wire::SessionOpened& session) {
  if (session.event != settings_.event) return;
  bool known = find(session.station) != nullptr;
  Stream& one = stream(session.station, !listed_);  // until the disk's stations are known it may have one
  one.session_opened(worker, session);
  if (auto timer = grace_timers_.extract(session.station)) loop_.cancel(timer.mapped());
  if (!known) load(session.station, true);
}

void Catalog::records(const wire::StreamRecords& batch) {
  Stream* one = batch.event == settings_.event ? find(batch.station) : nullptr;
  if (!one) return;
  ByteReader reader(batch.records);
  while (reader.remaining() > 0) {
    Bytes bytes = reader.bytes(reader.u32());
    if (!reader.ok()) break;
    auto record = playlist::decode(bytes);
    if (!record) continue;
    if (auto early = early_replay_.find(batch.station); early != early_replay_.end())
      early->second.emplace_back(batch.rendition, *record);
    one->add(batch.rendition, *record);
  }
  if (one->take_wants_untold())
    archive_.load_newest(batch.station, [this, station = batch.station](const NewestRecords& newest) {
      take_untold(station, newest);
    });
  if (when_records_) when_records_(*one);
  if (when_rendition_ && !batch.rendition.empty()) when_rendition_(*one);
  one->look();
}

void Catalog::take_untold(uint32_t station, const NewestRecords& newest) {
  Stream* one = find(station);
  one->take_untold(newest);
  if (when_records_) when_records_(*one);
  one->look();
}

void Catalog::health(const wire::SessionHealth& health) {
  Stream* one = health.event == settings_.event ? find(health.station) : nullptr;
  if (one) one->health(health);
}

void Catalog::picture(const wire::SessionPicture& picture) {
  Stream* one = picture.event == settings_.event ? find(picture.station) : nullptr;
  if (one && one->take_picture(picture, system_clock().utc_us()) && when_picture_) when_picture_(*one);
}

void Catalog::session_closed(const wire::SessionClosed& closed) {
  Stream* one = closed.event == settings_.event ? find(closed.station) : nullptr;
  if (one) close_session(*one, closed);
}

void Catalog::close_session(Stream& one, const wire::SessionClosed& closed) {
  if (one.session_closed(closed, system_clock().utc_us()) && one.state() == State::waiting)
    wait_for_return(one);
}

void Catalog::worker_gone(uint32_t worker) {
  for (auto& [station, one] : streams_)
    if (one->session() && one->worker() == worker)
      close_session(*one, {*one->session(), settings_.event, station, "error:worker gone"});
}

void Catalog::wait_for_return(Stream& one) {
  uint32_t station = one.station();
  if (auto timer = grace_timers_.find(station); timer != grace_timers_.end()) loop_.cancel(timer->second);
  grace_timers_[station] = loop_.after_ms(one.grace_ms().value_or(settings_.grace_ms), [this, station] {
    grace_timers_.erase(station);
    if (Stream* waited = find(station)) waited->grace_over(system_clock().utc_us());
  });
}

void Catalog::with_loaded(uint32_t station, OnStream ready) {
  if (!listed_) {  // just started: whether the archive has it is not known yet
    want_listed_.push_back([this, station, ready = std::move(ready)] { with_loaded(station, ready); });
    return;
  }
  Stream* one = find(station);
  if (!one || one->loaded()) return ready(one);
  auto& waiting = want_loaded_[station];
  if (waiting.empty()) load(station, true);
  waiting.push_back(std::move(ready));
}

void Catalog::with_replay(uint32_t station, OnStream ready) {
  with_loaded(station, [this, station, ready = std::move(ready)](Stream* one) mutable {
    if (one && one->replay()) keep_replay(station);
    if (!one || one->replay()) return ready(one);
    auto& waiting = want_replay_[station];
    waiting.push_back(std::move(ready));
    if (waiting.size() > 1) return;
    replays_to_load_.push_back(station);
    load_replays();
  });
}

// An index that is being read is as large as its history.
void Catalog::load_replays() {
  while (!replays_to_load_.empty() && early_replay_.size() < kMaxReplayLoads) {
    const uint32_t station = replays_to_load_.front();
    replays_to_load_.pop_front();
    early_replay_[station];
    archive_.load_all(station, [this, station](playlist::StreamIndex index, Renditions renditions) {
      take_replay(station, std::move(index), std::move(renditions));
    });
  }
}

void Catalog::take_replay(uint32_t station, playlist::StreamIndex index, Renditions renditions) {
  // The newest segments may not be in the run's file yet: the live index has them.
  Stream* stream = find(station);
  for (const auto& [id, init] : stream->index().inits()) index.add(init);
  for (const auto& segment : stream->index().segments())
    if (!is_derived(segment.record.file)) index.add(segment.record);  // fill is not replayed
  for (const auto& [name, one] : stream->renditions()) {
    playlist::RenditionIndex& replay = renditions[name];
    replay.follow(index);
    for (const auto& [id, init] : one->live.index().inits()) replay.add(init, index);
    for (const auto& segment : one->live.index().segments()) {
      const playlist::Unlisted* late = one->live.find_unlisted(segment.record.msn);
      const bool whole = late != nullptr && late->kind == playlist::Unlisted::Kind::whole;
      replay.add(whole ? late->segment : segment.record, index);
    }
  }
  auto early = early_replay_.extract(station);
  for (const auto& [rendition, record] : early.mapped()) {
    if (rendition.empty())
      index.add(record);
    else if (auto found = renditions.find(rendition); found != renditions.end())
      found->second.add(record, index);
  }
  for (auto& [name, replay] : renditions) replay.follow(index);
  stream->set_replay(std::move(index), std::move(renditions));
  keep_replay(station);
  auto wanting = want_replay_.extract(station);
  for (auto& go_on : wanting.mapped()) go_on(stream);
  load_replays();
}

void Catalog::keep_replay(uint32_t station) {
  std::erase(replays_, station);
  replays_.push_back(station);
  if (replays_.size() <= kMaxReplays) return;
  if (Stream* oldest = find(replays_.front())) oldest->drop_replay();
  replays_.erase(replays_.begin());
}

std::string Catalog::list_json() const {
  std::string list = "[";
  for (auto& [station, one] : streams_) list += (list.size() > 1 ? "," : "") + one->json();
  return JsonLine()
      .field("now_utc", tools::utc_text(system_clock().utc_us()))
      .raw("streams", list + "]")
      .take();
}

}  // namespace headgate::origin

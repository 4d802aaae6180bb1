// SPDX-License-Identifier: LGPL-2.1-or-later
#include "posters.h"

#include <base/clock.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "pictures.h"

namespace headgate::origin {
namespace {

Reply poster_reply(const Poster& poster) {
  Reply reply;
  reply.type = "image/jpeg";
  reply.cache = kCacheRevalidate;
  reply.any_origin = true;
  reply.etag =
      "\"" + std::to_string(poster.utc_us) + "-" + std::to_string(g_bytes_get_size(poster.jpeg.get())) + "\"";
  reply.body.reset(g_bytes_ref(poster.jpeg.get()));
  return reply;
}

int64_t newest_utc_us(const Stream& stream) {
  const playlist::SegmentRecord* track = newest_picture(stream);
  const Poster* made = stream.poster();
  return std::max(track ? track->utc_us : INT64_MIN, made ? made->utc_us : INT64_MIN);
}

}  // namespace

Posters::Posters(Loop& loop, Catalog& catalog, Want want)
    : loop_(loop), catalog_(catalog), want_(std::move(want)) {
  catalog_.when_picture([this](Stream& stream) { came(stream); });
}

Posters::~Posters() {
  catalog_.when_picture(nullptr);
  for (auto& [id, waiter] : waiting_) loop_.cancel(waiter.timer);
}

void Posters::answer(const AnswerPtr& answer, Stream& stream, const SendStored& stored) {
  const playlist::SegmentRecord* track = newest_picture(stream);
  const int64_t newest_us = newest_utc_us(stream);
  const bool is_old = newest_us < system_clock().utc_us() - kPosterOldMs * 1000;
  if (is_old && stream.can_be_pictured()) {
    ask(stream);
    if (newest_us == INT64_MIN) return wait({answer, stream.station(), stored});
  }
  if (newest_us == INT64_MIN) return answer->send(not_there_reply(kNoPicture));
  if (track && track->utc_us == newest_us) return stored(*track);
  answer->send(poster_reply(*stream.poster()));
}

void Posters::ask(const Stream& stream) {
  const int64_t now_us = system_clock().mono_us();
  auto [asked, is_new] = asked_us_.try_emplace(stream.station(), now_us);
  if (!is_new && now_us - asked->second < kPosterAskMs * 1000) return;
  asked->second = now_us;
  want_(stream.worker(), *stream.session());
}

void Posters::wait(Waiter waiter) {
  const AnswerPtr answer = waiter.answer;
  if (!catalog_.room().enter(answer->whose()))
    return answer->send(text_reply(SOUP_STATUS_SERVICE_UNAVAILABLE, "Too many are waiting; try again."));
  const WaiterId id = ++last_id_;
  waiter.timer = loop_.after_ms(kPosterWaitMs, [this, id] { late(id); });
  waiting_[id] = std::move(waiter);
  answer->note_wait();
  answer->when_gone([this, id] { leave(id); });
}

// Takes one out; without an answer: it is not there any more.
Posters::Waiter Posters::leave(WaiterId id) {
  auto found = waiting_.extract(id);
  if (!found) return {};
  loop_.cancel(found.mapped().timer);
  catalog_.room().leave(found.mapped().answer->whose());
  return std::move(found.mapped());
}

// A rung may have begun meanwhile, and brought one.
void Posters::late(WaiterId id) {
  const Waiter waiter = leave(id);
  const Stream* stream = catalog_.find(waiter.station);
  const playlist::SegmentRecord* track = stream ? newest_picture(*stream) : nullptr;
  if (track) return waiter.stored(*track);
  waiter.answer->send(not_there_reply(kNoPicture));
}

void Posters::came(Stream& stream) {
  std::vector<WaiterId> waiting;
  for (const auto& [id, waiter] : waiting_)
    if (waiter.station == stream.station()) waiting.push_back(id);
  for (const WaiterId id : waiting)
    if (const Waiter waiter = leave(id); waiter.answer) waiter.answer->send(poster_reply(*stream.poster()));
}

}  // namespace headgate::origin

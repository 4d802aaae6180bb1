// SPDX-License-Identifier: LGPL-2.1-or-later
#include "demand.h"

#include <base/clock.h>
#include <base/json_line.h>
#include <common/log.h>

#include <algorithm>

namespace headgate::origin {
namespace {

using playlist::RenditionState;

constexpr uint64_t kMega = 1'000'000;

// Of its stream's session, which is there.
ladder::DemandedRung rung_of(const Stream& stream, const Rendition& one) {
  ladder::DemandedRung rung;
  rung.stream = stream.station();
  rung.worker = stream.worker();
  const playlist::RenditionRecord& told = *one.live.told();
  rung.pixels = ladder::pixel_rate(told.width, told.height, told.frame_rate_milli);
  const playlist::InitRecord* source = stream.index().newest_init();
  if (source && told.width > 0)
    rung.decoded = ladder::pixel_rate(source->width, source->height, told.frame_rate_milli);
  rung.is_paused = told.state == RenditionState::paused;
  rung.is_leaving = one.leaves;
  return rung;
}

bool on_demand(const Stream& stream, const Rendition& one) {
  return one.live.told() && one.live.told()->on_demand && stream.session();
}

bool starts(const Rendition& one, int64_t now_us) {
  return one.granted_us != INT64_MIN && now_us - one.granted_us < kStartMs * 1000;
}

bool asked(const Rendition& one, int64_t now_us) {
  return one.wanted_us != INT64_MIN && now_us - one.wanted_us < kAskedMs * 1000;
}

// Its worker encodes it, or would if it could keep up and does as soon as it can.
bool encodes(const Rendition& one, int64_t now_us) {
  const RenditionState state = one.live.told()->state;
  return state == RenditionState::paused ? asked(one, now_us) : state != RenditionState::idle;
}

const char* text_of(ladder::DemandVerdict verdict) {
  switch (verdict) {
    case ladder::DemandVerdict::granted:
      return "granted";
    case ladder::DemandVerdict::no_room:
      return "the node encodes as much as it may";
    case ladder::DemandVerdict::worker_full:
      return "its worker encodes as much as it may";
    case ladder::DemandVerdict::overloaded:
      return "the node cannot keep up with what it encodes";
  }
  return "";
}

}  // namespace

// All that are encoded on demand, or were granted just now.
std::vector<Demand::Found> Demand::running(int64_t now_us) const {
  std::vector<Found> out;
  for (const auto& [station, stream] : catalog_.streams()) {
    for (const auto& [name, one] : stream->renditions()) {
      if (!on_demand(*stream, *one)) continue;
      if (encodes(*one, now_us) || starts(*one, now_us)) out.push_back({rung_of(*stream, *one), one.get()});
    }
  }
  return out;
}

bool Demand::start(const Stream& stream, const std::string& name, Rendition& one, int64_t now_us) {
  std::vector<Found> found = running(now_us);
  std::erase_if(found, [&](const Found& each) { return each.one == &one; });  // as its last session had it
  std::vector<ladder::DemandedRung> rungs;
  for (const Found& each : found) rungs.push_back(each.rung);
  const ladder::DemandDecision decision = ladder::decide(rungs, rung_of(stream, one), limits_);
  if (decision.leaves) {
    found[*decision.leaves].one->leaves = true;
    ++made_way_;
  }
  if (decision.verdict == ladder::DemandVerdict::granted) {
    one.granted_us = now_us;
    ++started_;
    return true;
  }
  if (one.refused_us == INT64_MIN)
    tools::log_info(std::string("rung refused: ") + text_of(decision.verdict),
                    {{"STATION", stream.station()},
                     {"SESSION", stream.session() ? std::to_string(*stream.session()) : ""},
                     {"RENDITION", name}});
  one.refused_us = now_us;
  return false;
}

void Demand::want(const Stream& stream, const std::string& name, Rendition& one, int64_t now_us) {
  const bool same = one.wanted_session == *stream.session();
  if (same && one.wanted_us != INT64_MIN && now_us - one.wanted_us < kWantAgainMs * 1000) return;
  one.wanted_us = now_us;
  tell(stream, name, one);
}

void Demand::tell(const Stream& stream, const std::string& name, Rendition& one) {
  one.wanted_session = *stream.session();
  want_(stream.worker(), *stream.session(), name);
}

void Demand::follow(const Stream& stream) {
  for (const auto& [name, one] : stream.renditions()) {
    if (!on_demand(stream, *one) || one->wanted_session == *stream.session()) continue;
    const int64_t now_us = system_clock().mono_us();
    if (one->live.told()->state != RenditionState::idle || !asked(*one, now_us) || one->leaves) continue;
    if (start(stream, name, *one, now_us))
      tell(stream, name, *one);
    else
      one->wanted_us = INT64_MIN;  // whoever asks is told
  }
}

void Demand::keep(const Stream& stream, const std::string& name, Rendition& one, uint64_t msn) {
  if (msn + kWatchedSegments < stream.index().next_msn().value_or(0)) return;
  if (!on_demand(stream, one) || one.leaves) return;
  const int64_t now_us = system_clock().mono_us();
  if (encodes(one, now_us)) want(stream, name, one, now_us);
}

Demand::Answer Demand::ask(const Stream& stream, const std::string& name, Rendition& one) {
  if (!on_demand(stream, one)) return Answer::as_it_is;
  const int64_t now_us = system_clock().mono_us();
  const RenditionState state = one.live.told()->state;
  if (!encodes(one, now_us)) {
    one.leaves = false;
    const bool refused_before = one.refused_us != INT64_MIN && now_us - one.refused_us < kRefuseMs * 1000;
    if (!starts(one, now_us) && (refused_before || !start(stream, name, one, now_us))) {
      ++refused_;
      return Answer::refused;
    }
  }
  // Nobody asks its worker for it any more, until it has stopped.
  if (one.leaves) {
    ++refused_;
    return Answer::refused;
  }
  one.refused_us = INT64_MIN;
  want(stream, name, one, now_us);
  const auto& segments = one.live.index().segments();
  const bool playable = !segments.empty() && segments.back().record.length > 0;
  if (playable) return Answer::as_it_is;
  if (state != RenditionState::paused) return Answer::starts;
  return segments.empty() ? Answer::refused : Answer::as_it_is;
}

std::string Demand::json() const {
  const std::vector<Found> found = running(system_clock().mono_us());
  std::vector<ladder::DemandedRung> rungs;
  for (const Found& each : found) rungs.push_back(each.rung);
  const auto paused =
      std::count_if(rungs.begin(), rungs.end(), [](const auto& one) { return one.is_paused; });
  return JsonLine()
      .field("running", static_cast<int64_t>(rungs.size()) - paused)
      .field("paused", static_cast<int64_t>(paused))
      .field("mpixels", ladder::demanded_pixels(rungs) / kMega)
      .field("max_mpixels", limits_.pixels / kMega)
      .field("max_of_worker", limits_.rungs_of_worker)
      .field("started", started_)
      .field("refused", refused_)
      .field("made_way", made_way_)
      .take();
}

}  // namespace headgate::origin

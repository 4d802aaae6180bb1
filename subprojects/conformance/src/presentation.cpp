// SPDX-License-Identifier: LGPL-2.1-or-later
#include <conformance/presentation.h>

#include <algorithm>

#include "text.h"

namespace headgate::conformance {
namespace {

bool same_control(const std::optional<ServerControl>& a, const std::optional<ServerControl>& b) {
  if (!a || !b) return !a && !b;
  return a->hold_back == b->hold_back && a->part_hold_back == b->part_hold_back &&
         a->can_skip_until == b->can_skip_until && a->can_block == b->can_block &&
         a->can_skip_dateranges == b->can_skip_dateranges;
}

bool has_dates(const MediaPlaylist& playlist) {
  return std::any_of(playlist.segments.begin(), playlist.segments.end(),
                     [](const Segment& segment) { return segment.date.has_value(); });
}

// How long what the playlist lists lasts behind a date. Where nothing was sent, dates jump and nothing lasts.
Micros lasts_behind(const MediaPlaylist& playlist, Micros date) {
  Micros sum = 0;
  std::optional<Micros> at;
  for (const Segment& segment : playlist.segments) {
    if (segment.date || segment.discontinuous) at = segment.date;
    if (!at) continue;
    at = *at + segment.duration;
    sum += std::clamp<Micros>(*at - date, 0, segment.duration);
  }
  return sum;
}

// The date at which the playlist ends, by its last date.
std::optional<Micros> end_date(const MediaPlaylist& playlist) {
  Micros after = 0;
  for (auto segment = playlist.segments.rbegin(); segment != playlist.segments.rend(); ++segment) {
    after += segment->duration;
    if (segment->date) return *segment->date + after;
    if (segment->discontinuous) return std::nullopt;
  }
  return std::nullopt;
}

std::string both(const Member& one, const Member& other) {
  return one.name + " and " + other.name + ": ";
}

// Those of the same number in both, once the numbers are seen to correspond.
std::vector<std::pair<const Measured*, const Measured*>> pairs(const Member& one, const Member& other,
                                                               Micros target) {
  std::vector<std::pair<const Measured*, const Measured*>> out;
  for (const Measured& a : one.media->measured()) {
    const auto& others = other.media->measured();
    auto b = std::lower_bound(others.begin(), others.end(), a.msn,
                              [](const Measured& measured, uint64_t msn) { return measured.msn < msn; });
    if (b == others.end() || b->msn != a.msn || !a.start || !b->start) continue;
    // Numbers of different playlists need not correspond (6.3.2).
    if (out.empty() && distance(*a.start, *b->start) > target) return out;
    out.emplace_back(&a, &*b);
  }
  return out;
}

}  // namespace

Findings compare_playlists(const Member& one, const Member& other) {
  Findings findings;
  const MediaPlaylist& a = *one.playlist;
  const MediaPlaylist& b = *other.playlist;
  const std::string names = both(one, other);
  // I-frame playlists may differ when they are VOD.
  const bool vod_iframes = (a.iframes_only || b.iframes_only) && a.type == PlaylistType::vod;
  if (a.target_s != b.target_s && !vod_iframes)
    add(findings, "variants-target", 0,
        names + std::to_string(a.target_s) + " s and " + std::to_string(b.target_s) + " s");
  if (a.type != b.type) add(findings, "variants-type", 0, names + "different types");
  if (!a.segments.empty() && !b.segments.empty() && has_dates(a) != has_dates(b))
    add(findings, "variants-dates", 0, names + "only one has dates");
  if (!same_control(a.control, b.control)) add(findings, "variants-control", 0, names + "they differ");
  const auto end_a = end_date(a), end_b = end_date(b);
  if (end_a && end_b && !a.iframes_only && !b.iframes_only) {
    // They were not read at the same time.
    const Micros between =
        std::max(one.time.loaded, other.time.loaded) - std::min(one.time.asked, other.time.asked);
    const Micros apart = std::max(lasts_behind(a, *end_b), lasts_behind(b, *end_a));
    if (apart > std::min(a.target(), b.target()) + between + kArrivalSlack)
      add(findings, "variants-edge", 0, names + "their ends are " + seconds_text(apart) + " apart");
  }
  return findings;
}

Findings compare_media(const Member& one, const Member& other) {
  Findings findings;
  const std::string names = both(one, other);
  const Micros target = std::max(one.playlist->target(), kSecond);
  const bool sound = !one.media->has_video() || !other.media->has_video();
  for (const auto& pair : pairs(one, other, target)) {
    const Measured& a = *pair.first;
    const Measured& b = *pair.second;
    const std::string what = names + "segment " + std::to_string(a.msn);
    if (a.discontinuity != b.discontinuity)
      add(findings, "variants-discontinuity", 0,
          what + " has the discontinuity sequence numbers " + std::to_string(a.discontinuity) + " and " +
              std::to_string(b.discontinuity));
    const Micros apart = distance(*a.start, *b.start);
    if (apart > (sound ? kAlignAudioSlack : kAlignSlack))
      add(findings, "variants-aligned", 0, what + " begins " + seconds_text(apart) + " apart");
    if (!a.date || !b.date) continue;
    const Micros mapping = distance(*a.start - *a.date, *b.start - *b.date);
    if (mapping > kTimestampSlack)
      add(findings, "variants-timestamps", 0,
          what + "'s dates and media times are " + seconds_text(mapping) + " apart");
  }
  if (findings.size() > kMaxFindings) findings.resize(kMaxFindings);
  return findings;
}

}  // namespace headgate::conformance

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpd_rules.h"

#include <algorithm>
#include <set>

#include <conformance/fragments.h>

#include "text.h"

namespace headgate::conformance {
namespace {

constexpr Micros kPeriodSlack = 200'000;  // tracks do not end together

void required(const Mpd& mpd, Findings& findings) {
  const auto missing = [&](const char* what) {
    add_dash(findings, "mpd-required", 0, std::string("there is no ") + what);
  };
  if (mpd.profiles.empty()) missing("profiles");
  if (!mpd.min_buffer) missing("minBufferTime");
  if (!mpd.dynamic) return;
  if (!mpd.availability_start) missing("availabilityStartTime");
  if (!mpd.publish_time) missing("publishTime");
  if (!mpd.utc_timing) add_dash(findings, "utc-timing", 0, "there is no UTCTiming");
}

// Where a Representation's last segment ends on the presentation's timeline.
std::optional<Micros> end_of(const MpdPeriod& period, const MpdRepresentation& one) {
  if (!period.start || one.segments.empty()) return std::nullopt;
  const MpdSegment& last = one.segments.back();
  const auto ticks = static_cast<int64_t>(last.time + last.duration) - static_cast<int64_t>(one.offset);
  return *period.start + media_micros(ticks, static_cast<uint32_t>(one.timescale));
}

void periods(const Mpd& mpd, Findings& findings) {
  std::set<std::string> ids;
  for (const MpdPeriod& period : mpd.periods) {
    if (mpd.dynamic && (period.id.empty() || !ids.insert(period.id).second))
      add_dash(findings, "period-id", period.line,
               period.id.empty() ? "a Period has no id" : "a second Period is called " + period.id);
  }
  for (size_t i = 1; i < mpd.periods.size(); ++i) {
    const MpdPeriod &before = mpd.periods[i - 1], &period = mpd.periods[i];
    if (before.start && period.start && *period.start < *before.start)
      add_dash(findings, "period-order", period.line,
               "Period " + period.id + " begins at " + seconds_text(*period.start) + ", the one before at " +
                   seconds_text(*before.start));
    std::optional<Micros> end;
    for (const MpdSet& set : before.sets)
      for (const MpdRepresentation& one : set.representations)
        if (auto its = end_of(before, one)) end = std::max(end.value_or(*its), *its);
    if (end && period.start && *period.start - *end > kPeriodSlack)
      add_dash(findings, "period-gap", period.line,
               "Period " + period.id + " begins " + seconds_text(*period.start - *end) +
                   " after the last segment of the one before");
  }
}

// The identifiers of a template; "?" for one that there is not, or that does not end.
std::vector<std::string> identifiers(const std::string& media) {
  std::vector<std::string> out;
  for (size_t at = media.find('$'); at != media.npos; at = media.find('$', at + 1)) {
    const size_t end = media.find('$', at + 1);
    if (end == media.npos) {
      out.emplace_back("?");
      break;
    }
    std::string name = media.substr(at + 1, end - at - 1);
    name.erase(std::min(name.size(), name.find('%')));
    constexpr std::string_view kNames[] = {"",     "RepresentationID", "Number",
                                           "Time", "Bandwidth",        "SubNumber"};
    out.push_back(std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames) ? "?" : name);
    at = end;
  }
  return out;
}

// What can be had before it is complete.
void early(const MpdRepresentation& one, Findings& findings) {
  if (one.complete) return;
  uint64_t longest = one.duration.value_or(0);
  for (const MpdSegment& segment : one.segments) longest = std::max(longest, segment.duration);
  const Micros lasts = media_micros(static_cast<int64_t>(longest), static_cast<uint32_t>(one.timescale));
  const std::string offset = "its availabilityTimeOffset is " + seconds_text(one.available_early);
  if (one.available_early <= 0)
    add_dash(findings, "early-offset", one.line, "Representation " + one.id + ": " + offset);
  else if (lasts > 0 && one.available_early >= lasts)
    add_dash(
        findings, "early-offset", one.line,
        "Representation " + one.id + ": " + offset + ", its longest segment lasts " + seconds_text(lasts));
}

void low_latency(const Mpd& mpd, Findings& findings) {
  bool any = false;
  for (const MpdPeriod& period : mpd.periods)
    for (const MpdSet& set : period.sets)
      any = any || std::any_of(set.representations.begin(), set.representations.end(),
                               [](const MpdRepresentation& one) { return !one.complete; });
  if (!mpd.latency || !mpd.latency->target) {
    if (any && mpd.dynamic)
      add_dash(findings, "latency-absent", mpd.latency ? mpd.latency->line : 0, "there is no target");
    if (!mpd.latency) return;
  }
  const MpdLatency& latency = *mpd.latency;
  const uint64_t target = latency.target.value_or(0);
  if (latency.target && (target < latency.least.value_or(0) || target > latency.most.value_or(target)))
    add_dash(findings, "latency-range", latency.line, "the target is " + std::to_string(target) + " ms");
  if (latency.reference.empty()) return;
  for (const MpdPeriod& period : mpd.periods)
    for (const MpdSet& set : period.sets)
      if (std::any_of(set.reference_times.begin(), set.reference_times.end(),
                      [&](const MpdReferenceTime& one) { return one.id == latency.reference; }))
        return;
  add_dash(findings, "latency-reference", latency.line,
           "there is no ProducerReferenceTime " + latency.reference);
}

void representation(const Mpd& mpd, const MpdRepresentation& one, Findings& findings) {
  const std::string name = "Representation " + one.id;
  if (one.id.empty() || one.bandwidth == 0 || one.mime.empty())
    add_dash(findings, "representation-required", one.line,
             name + " has no " +
                 (one.id.empty()       ? "id"
                  : one.bandwidth == 0 ? "bandwidth"
                                       : "mimeType"));
  if (!one.has_template || one.is_protected)
    return add_dash(findings, "not-checked", one.line,
                    name + (one.is_protected ? " is protected" : " has no SegmentTemplate"));
  const std::vector<std::string> names = identifiers(one.media);
  const auto has = [&](const char* what) {
    return std::find(names.begin(), names.end(), what) != names.end();
  };
  if (has("?") || has("Number") == has("Time"))
    add_dash(findings, "template-media", one.line, name + "'s media is '" + one.media + "'");
  if (one.duration.has_value() == one.has_timeline)
    add_dash(findings, "template-timing", one.line, name + (one.has_timeline ? " has both" : " has neither"));
  early(one, findings);
  if (!mpd.max_segment) return;
  for (const MpdSegment& segment : one.segments) {
    const Micros lasts =
        media_micros(static_cast<int64_t>(segment.duration), static_cast<uint32_t>(one.timescale));
    if (lasts <= *mpd.max_segment + kSecond / 1000) continue;
    add_dash(findings, "segment-long", one.line,
             name + "'s segment at " + std::to_string(segment.time) + " lasts " + seconds_text(lasts) +
                 ", maxSegmentDuration is " + seconds_text(*mpd.max_segment));
    return;
  }
}

// The same times, whatever the time scales, where both have any (5.3.3.2).
void aligned(const MpdSet& set, Findings& findings) {
  if (!set.aligned || set.representations.empty()) return;
  constexpr Micros kSlack = kSecond / 100;
  const auto times = [](const MpdRepresentation& one) {
    std::vector<Micros> out;
    for (const MpdSegment& segment : one.segments)
      out.push_back(media_micros(static_cast<int64_t>(segment.time), static_cast<uint32_t>(one.timescale)));
    return out;
  };
  const MpdRepresentation& first = set.representations.front();
  const std::vector<Micros> others = times(first);
  if (others.empty()) return;
  for (const MpdRepresentation& one : set.representations) {
    for (const Micros time : times(one)) {
      if (time < others.front() - kSlack || time > others.back() + kSlack) continue;
      const auto near = std::lower_bound(others.begin(), others.end(), time - kSlack);
      if (near != others.end() && *near <= time + kSlack) continue;
      add_dash(findings, "not-aligned", one.line,
               one.id + " has a segment at " + seconds_text(time) + ", " + first.id + " has none");
      break;
    }
  }
}

}  // namespace

std::vector<MpdSegment> available_segments(const Mpd& mpd, const MpdPeriod& period,
                                           const MpdRepresentation& one, Micros now_utc) {
  if (one.has_timeline) return one.segments;
  const uint64_t ticks = one.duration.value_or(0);
  if (ticks == 0 || ticks > UINT32_MAX * kMaxSeconds) return {};
  const Micros lasts = media_micros(static_cast<int64_t>(ticks), static_cast<uint32_t>(one.timescale));
  // Of a Period that goes on: as far as it is complete now, on the local clock.
  std::optional<Micros> until = period.duration ? period.duration : mpd.dynamic ? std::nullopt : mpd.duration;
  if (mpd.dynamic) {
    const Micros live =
        now_utc - mpd.availability_start.value_or(now_utc) - period.start.value_or(0) + one.available_early;
    until = std::min(until.value_or(live), live);
  }
  if (!until || *until <= 0 || lasts <= 0) return {};
  const auto complete = static_cast<uint64_t>(mpd.dynamic ? *until / lasts : (*until + lasts - 1) / lasts);
  const uint64_t first = mpd.dynamic && complete > kMostByNumber ? complete - kMostByNumber : 0;
  std::vector<MpdSegment> out;
  for (uint64_t i = first; i < complete && out.size() < kMaxMpdSegments; ++i)
    out.push_back({one.start_number + i, one.offset + i * ticks, ticks});
  return out;
}

void check_mpd(const Mpd& mpd, Findings& findings) {
  required(mpd, findings);
  periods(mpd, findings);
  low_latency(mpd, findings);
  for (const MpdPeriod& period : mpd.periods) {
    std::set<std::string> ids;
    for (const MpdSet& set : period.sets) {
      for (const MpdRepresentation& one : set.representations) {
        representation(mpd, one, findings);
        if (!ids.insert(one.id).second)
          add_dash(findings, "representation-required", one.line,
                   "a second Representation is called " + one.id);
      }
      aligned(set, findings);
    }
  }
}

}  // namespace headgate::conformance

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <conformance/mpd_history.h>

#include <algorithm>
#include <map>
#include <string>

#include <conformance/fragments.h>

#include "text.h"

namespace headgate::conformance {
namespace {

const MpdRepresentation* find(const MpdPeriod& period, const std::string& id) {
  for (const MpdSet& set : period.sets)
    for (const MpdRepresentation& one : set.representations)
      if (one.id == id) return &one;
  return nullptr;
}

Micros seconds_of(const MpdRepresentation& one, uint64_t ticks) {
  return media_micros(static_cast<int64_t>(ticks), static_cast<uint32_t>(one.timescale));
}

// The presentation time of a Representation's media time 0.
Micros zero_of(const MpdPeriod& period, const MpdRepresentation& one) {
  return period.start.value_or(0) - seconds_of(one, one.offset);
}

// All that the Period has now is later than what a Representation had of it.
bool has_left(const MpdPeriod& before, const MpdRepresentation& old, const MpdPeriod& now) {
  const MpdSegment& last = old.segments.back();
  const Micros end = zero_of(before, old) + seconds_of(old, last.time + last.duration);
  for (const MpdSet& set : now.sets)
    for (const MpdRepresentation& one : set.representations)
      if (!one.segments.empty() &&
          zero_of(now, one) + seconds_of(one, one.segments.front().time) < end - kSecond / 10)
        return false;
  return true;
}

// Where the presentation ends for now; if not `whole`, where its latest segment begins.
Micros reach(const Mpd& mpd, bool whole) {
  Micros latest = 0;
  for (const MpdPeriod& period : mpd.periods)
    for (const MpdSet& set : period.sets)
      for (const MpdRepresentation& one : set.representations) {
        if (one.segments.empty()) continue;
        const MpdSegment& last = one.segments.back();
        latest =
            std::max(latest, zero_of(period, one) + seconds_of(one, last.time + (whole ? last.duration : 0)));
      }
  return latest;
}

bool has_timelines(const Mpd& mpd) {
  for (const MpdPeriod& period : mpd.periods)
    for (const MpdSet& set : period.sets)
      for (const MpdRepresentation& one : set.representations)
        if (one.has_timeline) return true;
  return false;
}

}  // namespace

Findings MpdHistory::observe(const Mpd& mpd, ReadingTime time) {
  Findings findings;
  if (last_)
    compare(mpd, time, findings);
  else
    grew_ = time.loaded;
  last_ = mpd;
  if (findings.size() > kMaxFindings) findings.resize(kMaxFindings);
  return findings;
}

void MpdHistory::compare(const Mpd& now, ReadingTime time, Findings& findings) {
  const Mpd& before = *last_;
  if (!before.dynamic && now.dynamic) add_dash(findings, "end-undone", 0, "it was static, is dynamic");
  if (before.availability_start && now.availability_start &&
      before.availability_start != now.availability_start)
    add_dash(findings, "start-changed", 0,
             "availabilityStartTime has moved by " +
                 seconds_text(*now.availability_start - *before.availability_start));
  const bool grew = reach(now, false) > reach(before, false) || now.periods.size() > before.periods.size();
  if (before.publish_time && now.publish_time) {
    if (*now.publish_time < *before.publish_time)
      add_dash(findings, "publish-time", 0,
               "it went back by " + seconds_text(*before.publish_time - *now.publish_time));
    else if (grew && *now.publish_time == *before.publish_time)
      add_dash(findings, "publish-time", 0, "there are new segments, and it is the same");
  }
  for (const MpdPeriod& period : now.periods) {
    const auto old = std::find_if(before.periods.begin(), before.periods.end(), [&](const MpdPeriod& one) {
      return !one.id.empty() && one.id == period.id;
    });
    if (old != before.periods.end()) compare_period(*old, period, reach(now, true), findings);
  }
  progress(now, time, findings);
  if (grew) {
    grew_ = time.loaded;
    told_stalled_ = false;
  }
}

void MpdHistory::progress(const Mpd& now, ReadingTime time, Findings& findings) {
  if (!now.dynamic || !has_timelines(now) || !now.max_segment || told_stalled_ ||
      reach(now, false) > reach(*last_, false))
    return;
  const Micros limit = 2 * *now.max_segment + now.update_period.value_or(0) + kArrivalSlack;
  if (time.asked - grew_ <= limit) return;
  told_stalled_ = true;
  add_dash(findings, "stalled", 0,
           seconds_text(time.asked - grew_) + " without a new segment, maxSegmentDuration is " +
               seconds_text(*now.max_segment));
}

void MpdHistory::compare_period(const MpdPeriod& before, const MpdPeriod& now, Micros end,
                                Findings& findings) const {
  constexpr Micros kRounding = 1'000;
  compare_clocks(before, now, findings);
  for (const MpdSet& set : before.sets)
    for (const MpdRepresentation& old : set.representations) {
      const MpdRepresentation* one = find(now, old.id);
      if (!one) {
        if (!old.segments.empty() && has_left(before, old, now)) continue;
        add_dash(findings, "set-changed", now.line, "Period " + now.id + " has lost " + old.id);
        continue;
      }
      // A Period whose first segments have left may begin later (DASH-IF: moving the period start point).
      const Micros moved = zero_of(now, *one) - zero_of(before, old);
      if (before.start && now.start && distance(moved, 0) > kRounding)
        add_dash(findings, "start-changed", now.line,
                 "Period " + now.id + "'s " + one->id + " has moved by " + seconds_text(moved));
      compare_segments(old, *one, findings);
      compare_depth(old, *one, zero_of(now, *one), end, findings);
    }
}

// What a wall clock shows at the presentation's zero.
void MpdHistory::compare_clocks(const MpdPeriod& before, const MpdPeriod& now, Findings& findings) const {
  const auto zeros = [](const MpdPeriod& period) {
    std::map<std::string, Micros> out;
    for (const MpdSet& set : period.sets)
      for (const MpdReferenceTime& time : set.reference_times)
        if (!set.representations.empty()) {
          const MpdRepresentation& one = set.representations.front();
          out[one.id + " " + time.id] = time.wall_clock - zero_of(period, one) - seconds_of(one, time.time);
        }
    return out;
  };
  const auto old = zeros(before);
  for (const auto& [name, zero] : zeros(now))
    if (const auto found = old.find(name); found != old.end() && distance(found->second, zero) > kSecond / 10)
      add_dash(findings, "reference-time", now.line,
               "Period " + now.id + "'s " + name + " has moved by " + seconds_text(zero - found->second));
}

void MpdHistory::compare_segments(const MpdRepresentation& before, const MpdRepresentation& now,
                                  Findings& findings) const {
  if (before.segments.empty() || before.timescale != now.timescale) return;
  const uint64_t first = now.segments.empty() ? before.segments.back().time + 1 : now.segments.front().time;
  // By time, numbers are of no meaning.
  const bool numbered = now.media.find("$Number") != std::string::npos;
  for (const MpdSegment& old : before.segments) {
    const auto same = std::lower_bound(now.segments.begin(), now.segments.end(), old.time,
                                       [](const MpdSegment& one, uint64_t time) { return one.time < time; });
    const bool there = same != now.segments.end() && same->time == old.time;
    const std::string name = now.id + "'s segment at " + std::to_string(old.time);
    const bool open = !before.complete && &old == &before.segments.back();
    const Micros off = there ? distance(seconds_of(now, same->duration), seconds_of(now, old.duration)) : 0;
    if (open && off > kSecond / 20)
      add_dash(findings, "open-changed", now.line,
               name + " was listed as " + seconds_text(seconds_of(now, old.duration)) + ", lasts " +
                   seconds_text(seconds_of(now, same->duration)));
    const bool lasts_as_told = open || (there && same->duration == old.duration);
    if (there && (!lasts_as_told || (numbered && same->number != old.number)))
      add_dash(findings, "segment-changed", now.line,
               name + " was number " + std::to_string(old.number) + " and " + std::to_string(old.duration) +
                   " ticks long, is number " + std::to_string(same->number) + " and " +
                   std::to_string(same->duration));
    if (!there && old.time > first)
      add_dash(findings, "segment-lost", now.line, name + " has gone from the middle or the end");
  }
  if (now.segments.empty())
    add_dash(findings, "segment-lost", now.line, now.id + " has no segments any more");
}

// What has left may have left. The depth is counted from now, which may be a segment after the presentation's
// end.
void MpdHistory::compare_depth(const MpdRepresentation& before, const MpdRepresentation& now, Micros zero,
                               Micros end, Findings& findings) const {
  if (!last_->time_shift_depth || before.segments.empty() || now.segments.empty()) return;
  if (now.segments.front().time <= before.segments.front().time) return;
  const Micros kept = end - zero - seconds_of(now, now.segments.front().time);
  if (kept + last_->max_segment.value_or(kSecond) < *last_->time_shift_depth)
    add_dash(findings, "segment-lost", now.line,
             now.id + " keeps " + seconds_text(kept) + ", timeShiftBufferDepth is " +
                 seconds_text(*last_->time_shift_depth));
}

}  // namespace headgate::conformance

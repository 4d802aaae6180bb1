// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/dash_periods.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace headgate::playlist {
namespace {

const Unlisted* unlisted(const DashRendition& rendition, uint64_t msn) {
  return rendition.of != nullptr ? rendition.of->find_unlisted(msn) : nullptr;
}

// Also one that came too late for players of HLS.
const SegmentRecord* finished(const DashRendition& rendition, uint64_t msn, uint64_t discontinuity_sequence) {
  const Segment* one = rendition.index->find_segment(msn);
  if (one == nullptr || one->discontinuity_sequence != discontinuity_sequence) return nullptr;
  if (one->record.length > 0) return &one->record;
  const Unlisted* late = unlisted(rendition, msn);
  return late != nullptr && late->kind == Unlisted::Kind::whole ? &late->segment : nullptr;
}

// The segment that it has something of, or will next.
uint64_t at(const DashRendition& rendition) {
  return (rendition.of != nullptr ? rendition.of->at() : rendition.index->next_msn()).value_or(0);
}

// It is further than that.
bool is_behind(const DashRendition& rendition, uint64_t msn) {
  return at(rendition) > msn;
}

// Not one that has lost its beginning: an encoder was started again within it.
std::optional<SegmentRecord> open_of(const DashRendition& rendition, uint64_t discontinuity_sequence) {
  const auto open = rendition.index->open_segment();
  const bool good = open && open->discontinuity_sequence == discontinuity_sequence &&
                    open->record.independent && open->record.length > 0;
  return good ? std::optional(open->record) : std::nullopt;
}

bool has(const DashRendition& rendition, uint64_t msn, uint64_t discontinuity_sequence, bool early) {
  if (finished(rendition, msn, discontinuity_sequence) != nullptr) return true;
  if (!early || !rendition.index->run_open() || rendition.index->next_msn() != msn) return false;
  return open_of(rendition, discontinuity_sequence).has_value();
}

// It is further, and has not got that.
bool has_passed(const DashRendition& rendition, uint64_t msn, uint64_t discontinuity_sequence) {
  return is_behind(rendition, msn) && finished(rendition, msn, discontinuity_sequence) == nullptr;
}

// Where what it has without a hole, of one init segment, ends; `known`: it has all to there, but perhaps the
// last one's end.
uint64_t whole_until(const DashRendition& rendition, const DashPeriod& period, uint64_t known, uint64_t end) {
  const auto& segments = rendition.index->segments();
  // What has left at the beginning is missed by nobody.
  uint64_t until = std::max(period.first_msn, known > 0 ? known - 1 : 0);
  if (!segments.empty()) until = std::max(until, segments.front().record.msn);
  const std::string* init = nullptr;
  for (; until < end; ++until) {
    const SegmentRecord* one = finished(rendition, until, period.discontinuity_sequence);
    if (one == nullptr || (init != nullptr && *init != one->init_id)) break;
    init = &one->init_id;
  }
  return until;
}

// And what is being written, or was cut off.
uint64_t listed_until(const DashRendition& rendition, const DashPeriod& period, uint64_t known, uint64_t end,
                      bool early) {
  const uint64_t whole = whole_until(rendition, period, known, end);
  return whole < end && dash_segment(rendition, whole, period.discontinuity_sequence, early) ? whole + 1
                                                                                             : whole;
}

// How many that are finished come behind one.
size_t finished_behind(const DashPeriods::Now& now, size_t i) {
  const size_t after = now.segments.size() - 1 - i;
  return after - (now.open && after > 0 ? 1 : 0);
}

// By how much a segment came later than the timeline says.
std::optional<int64_t> late(const DashPeriods::Now& now, size_t i) {
  std::optional<int64_t> least;
  for (size_t back = 0; back < kDashDriftSegments && back <= i; ++back) {
    const Segment& one = *now.segments[i - back];
    if (one.discontinuity_sequence != now.segments[i]->discontinuity_sequence) break;
    if (one.record.utc_us <= 0) continue;
    const int64_t here = (one.record.utc_us - now.zero_utc_us) / 100 * 9 - one.record.pts;
    least = std::min(least.value_or(here), here);
  }
  return least;
}

}  // namespace

std::optional<SegmentRecord> dash_segment(const DashRendition& rendition, uint64_t msn,
                                          uint64_t discontinuity_sequence, bool early) {
  if (const SegmentRecord* whole = finished(rendition, msn, discontinuity_sequence)) return *whole;
  if (!early) return std::nullopt;
  if (rendition.index->next_msn() == msn) return open_of(rendition, discontinuity_sequence);
  const Unlisted* found = unlisted(rendition, msn);
  return found != nullptr ? std::optional(found->segment) : std::nullopt;
}

bool grows(const DashRendition& rendition, uint64_t msn) {
  if (rendition.index->next_msn() == msn) return true;
  const Unlisted* found = unlisted(rendition, msn);
  return found != nullptr && found->kind == Unlisted::Kind::growing;
}

// To be in the Period that begins with a segment, or to go on in the last one.
struct DashPeriods::Candidate {
  const DashRendition* rendition;
  bool goes_on;  // it is in the last Period, and nothing of it is missing
  bool here;     // it has the segment
};

void DashPeriods::take(const Now& now) {
  if (now.segments.empty()) return;
  const uint64_t first = now.segments.front()->record.msn;
  const bool same = epoch_ == now.epoch;
  if (!same || (!periods_.empty() && first > next_)) {
    const Clock clock = same ? clock_ : Clock();
    forget();
    epoch_ = now.epoch;
    clock_ = clock;
  }
  // What players were told before this process was started, as near as can be.
  if (periods_.empty() && !clock_.told_end && !now.ended)
    clock_ = another_clock(now, now.segments.size() - 1).value_or(clock_);
  while (periods_.size() > 1 && periods_[1].first_msn <= first) periods_.pop_front();
  hear(now);
  for (size_t i = 0; i < now.segments.size(); ++i) {
    const bool new_one = periods_.empty() || now.segments[i]->record.msn >= next_;
    if (new_one && !place(now, i)) break;
  }
  // Also one that is over: who plays a rendition that is late is given its rest, and does not wait in that
  // Period for ever.
  for (DashPeriod& period : periods_) follow(now, period);
}

// Whether something comes of those that are said to be made.
void DashPeriods::hear(const Now& now) {
  for (const DashRendition& one : now.renditions) {
    Heard& heard = heard_[one.name];
    if (at(one) > heard.at) {
      heard = {at(one), one.running, false};
    } else if (!one.running || !heard.running) {
      heard.at = std::max(heard.at, next_);
      heard.running = one.running;
    } else if (next_ > heard.at + kDashBehind) {
      heard.in_vain = true;
    }
  }
}

// False: it is not to be listed yet.
bool DashPeriods::place(const Now& now, size_t i) {
  const Segment& segment = *now.segments[i];
  const bool last = i + 1 == now.segments.size();
  const bool settled = now.ended || finished_behind(now, i) >= kDashBehind;
  const std::optional<Clock> clock = settled ? std::nullopt : another_clock(now, i);
  const bool breaks = periods_.empty() || clock || !segment.continues ||
                      segment.discontinuity_sequence != periods_.back().discontinuity_sequence ||
                      segment.record.init_id != periods_.back().init_id;
  if (!periods_.empty()) follow(now, periods_.back());
  std::vector<Candidate> all = candidates(now, segment, breaks, settled);
  const auto changed = [&] {
    const auto goes_on = [](const Candidate& one) { return one.goes_on; };
    return breaks || !std::all_of(all.begin(), all.end(), goes_on) ||
           all.size() != periods_.back().members.size();
  };
  if (!changed()) {
    list(segment);
    return true;
  }
  const Length length = length_from(now, i);
  if (length == Length::too_short) next_ = segment.record.msn + 1;
  if (length != Length::enough) return length == Length::too_short;
  const auto misses = [](const Candidate& one) { return !one.here; };
  if (std::any_of(all.begin(), all.end(), misses)) {
    if (!settled && may_wait(now, i, breaks)) return false;
    std::erase_if(all, [&](const Candidate& one) { return misses(one) && !one.goes_on; });
    if (changed()) std::erase_if(all, misses);
  }
  if (changed() && now.open && last && !now.open_begins) return false;
  if (clock) clock_ = *clock;
  if (changed()) begin(segment, all);
  list(segment);
  return true;
}

bool DashPeriods::may_wait(const Now& now, size_t i, bool breaks) {
  if (breaks || !now.early) return finished_behind(now, i) < kDashPatience;
  return now.open && i + 1 == now.segments.size() && now.open_parts < kDashPatienceParts;
}

// Of a Period that begins with a segment: what there is of it.
DashPeriods::Length DashPeriods::length_from(const Now& now, size_t i) {
  const Segment& first = *now.segments[i];
  int64_t lasts = 0;
  for (; i < now.segments.size(); ++i) {
    const Segment& one = *now.segments[i];
    const bool follows = one.continues && one.discontinuity_sequence == first.discontinuity_sequence &&
                         one.record.init_id == first.record.init_id;
    if (&one != &first && !follows) return Length::too_short;
    lasts += one.record.duration;
    if (lasts >= kLeastDashPeriod) return Length::enough;
  }
  return now.ended ? Length::too_short : Length::short_so_far;
}

bool DashPeriods::lists(uint64_t msn) const {
  const auto behind =
      std::upper_bound(periods_.begin(), periods_.end(), msn,
                       [](uint64_t number, const DashPeriod& period) { return number < period.first_msn; });
  return behind != periods_.begin() && msn < std::prev(behind)->end_msn;
}

void DashPeriods::list(const Segment& segment) {
  next_ = periods_.back().end_msn = segment.record.msn + 1;
  const int64_t end = segment.record.pts + segment.record.duration + clock_.shift;
  clock_.told_end = std::max(clock_.told_end.value_or(end), end);
}

// None: what comes is there when the last Period says. Else as the clock is, but not before what was told.
std::optional<DashPeriods::Clock> DashPeriods::another_clock(const Now& now, size_t i) const {
  if (now.zero_utc_us <= 0) return std::nullopt;
  const auto drift = late(now, i);
  if (!drift || std::abs(*drift - (clock_.shift - clock_.ahead)) <= kMaxDashDrift) return std::nullopt;
  const int64_t pts = now.segments[i]->record.pts;
  const int64_t wanted = std::abs(*drift) <= kMaxDashDrift ? 0 : *drift;
  const int64_t earliest = std::min(clock_.shift, clock_.told_end.value_or(pts + clock_.shift) - pts);
  Clock clock = clock_;
  clock.shift = std::max(wanted, earliest);
  clock.ahead = clock.shift - wanted;
  return clock;
}

std::vector<DashPeriods::Candidate> DashPeriods::candidates(const Now& now, const Segment& segment,
                                                            bool breaks, bool settled) const {
  std::vector<Candidate> out;
  const uint64_t msn = segment.record.msn, dseq = segment.discontinuity_sequence;
  for (const DashRendition& one : now.renditions) {
    const bool here = has(one, msn, dseq, now.early);
    const bool passed = has_passed(one, msn, dseq);
    const DashPeriod::Member* member = nullptr;
    if (!breaks)
      for (const auto& known : periods_.back().members)
        if (known.name == one.name) member = &known;
    if (member != nullptr) {
      // `until` may have what is being written.
      const uint64_t whole = whole_until(one, periods_.back(), member->until, next_);
      const bool hole = whole < next_ && is_behind(one, whole);
      const bool gone = !one.running && !here;
      const bool far = msn > whole + kDashBehind || (settled && !here);
      if (!hole && !gone && !far && !passed) {
        out.push_back({&one, true, here});
        continue;
      }
    }
    const bool wanted = one.running && !passed && !settled && !heard_.at(one.name).in_vain;
    const bool near = breaks || (msn > 0 && has(one, msn - 1, dseq, now.early));
    if (here || (wanted && near)) out.push_back({&one, false, here});
  }
  return out;
}

void DashPeriods::begin(const Segment& segment, const std::vector<Candidate>& members) {
  DashPeriod period;
  period.id = std::to_string(segment.discontinuity_sequence);
  // Of a discontinuity's further Periods, and of a number that comes twice.
  if (!periods_.empty() && periods_.back().discontinuity_sequence == segment.discontinuity_sequence)
    period.id += "-" + std::to_string(segment.record.msn);
  period.first_msn = segment.record.msn;
  period.pts = segment.record.pts;
  period.shift = clock_.shift;
  period.ahead = clock_.ahead;
  period.discontinuity_sequence = segment.discontinuity_sequence;
  period.init_id = segment.record.init_id;
  for (const Candidate& one : members) period.members.push_back({one.rendition->name, segment.record.msn});
  periods_.push_back(std::move(period));
}

// How far renditions are in one.
void DashPeriods::follow(const Now& now, DashPeriod& period) const {
  const uint64_t end = &period == &periods_.back() ? next_ : period.end_msn;
  for (DashPeriod::Member& member : period.members) {
    if (member.until >= end) continue;
    for (const DashRendition& one : now.renditions)
      if (one.name == member.name)
        member.until = std::max(member.until, listed_until(one, period, member.until, end, now.early));
  }
}

}  // namespace headgate::playlist

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <conformance/playlist_history.h>
#include <conformance/playlist_rules.h>

#include <algorithm>
#include <utility>

#include "segment_difference.h"
#include "text.h"

namespace headgate::conformance {
namespace {

const char* name_of(PlaylistType type) {
  return type == PlaylistType::vod ? "VOD" : type == PlaylistType::event ? "EVENT" : "none";
}

bool is_older(const MediaPlaylist& now, const MediaPlaylist& before) {
  return now.media_sequence < before.media_sequence || now.next_msn() < before.next_msn();
}

void headers(const MediaPlaylist& before, const MediaPlaylist& now, Findings& findings) {
  if (before.target_s != now.target_s && now.target_s != 0)
    add(findings, "target-changed", 0,
        "it was " + std::to_string(before.target_s) + " s, is " + std::to_string(now.target_s) + " s");
  if (before.type != now.type)
    add(findings, "type-changed", 0,
        std::string("it was ") + name_of(before.type) + ", is " + name_of(now.type));
  if (now.discontinuity_sequence < before.discontinuity_sequence)
    add(findings, "discontinuity-sequence-back", 0,
        "it was " + std::to_string(before.discontinuity_sequence) + ", is " +
            std::to_string(now.discontinuity_sequence));
}

void ends(const MediaPlaylist& before, const MediaPlaylist& now, Findings& findings) {
  if (before.ended && !now.ended) add(findings, "endlist-undone", 0, "EXT-X-ENDLIST has gone");
  const bool gained = now.next_msn() > before.next_msn();
  if (before.ended && gained) add(findings, "endlist-undone", 0, "segments were added after EXT-X-ENDLIST");
  if (before.type == PlaylistType::vod && !before.ended && gained)
    add(findings, "type-removed", 0, "a VOD playlist has gained segments");
}

void removal(const MediaPlaylist& before, const MediaPlaylist& now, Findings& findings) {
  if (now.media_sequence <= before.media_sequence) return;
  const uint64_t removed = now.media_sequence - before.media_sequence;
  if (before.type != PlaylistType::none)
    add(findings, "type-removed", 0,
        std::to_string(removed) + " segments have left a playlist of type " + name_of(before.type));
  if (!now.ended && now.target_s != 0 && now.duration() < 3 * now.target())
    add(findings, "window-short", 0,
        std::to_string(removed) + " segments were removed, " + seconds_text(now.duration()) +
            " are left, the target duration is " + std::to_string(now.target_s) + " s");
}

// The part that follows the last one of `before`, and whether a discontinuity stands between.
const Part* next_part(const MediaPlaylist& before, const MediaPlaylist& now, bool& broken) {
  const uint64_t msn = before.open.msn;
  const size_t index = before.open.parts.size();
  broken = false;
  const Segment* at = msn == now.open.msn ? &now.open : now.find(msn);
  if (!at) return nullptr;
  if (index == 0) broken = at->discontinuous;
  if (at->parts.size() > index) return &at->parts[index];
  // The segment has ended before: the next one's first.
  const Segment* next = msn + 1 == now.open.msn ? &now.open : now.find(msn + 1);
  if (!next || at == &now.open || next->parts.empty()) return nullptr;
  broken = broken || next->discontinuous;
  return &next->parts.front();
}

void hint(const MediaPlaylist& before, const MediaPlaylist& now, Findings& findings) {
  const auto hinted =
      std::find_if(before.hints.begin(), before.hints.end(), [](const Hint& one) { return !one.map; });
  if (hinted == before.hints.end()) return;
  bool broken = false;
  const Part* part = next_part(before, now, broken);
  if (part && !broken && part->resource.uri != hinted->uri)
    add(findings, "hint-broken", part->line,
        hinted->uri + " was hinted, the next part is " + part->resource.uri);
}

}  // namespace

Findings PlaylistHistory::observe(const MediaPlaylist& playlist, ReadingTime time) {
  Findings findings;
  grew_ = false;
  if (!last_) {
    last_ = playlist;
    time_ = time;
    segment_seen_ = part_seen_ = time.loaded;
    grew_ = true;
    return findings;
  }
  if (is_older(playlist, *last_)) {
    if (playlist.media_sequence < last_->media_sequence)
      add(findings, "sequence-back", 0,
          "it was " + std::to_string(last_->media_sequence) + ", is " +
              std::to_string(playlist.media_sequence));
    else
      add(findings, "segment-lost", 0,
          "the last segment was " + std::to_string(last_->next_msn() - 1) + ", is " +
              std::to_string(playlist.next_msn() - 1));
    // A server that counts anew goes on from there; a stale answer is passed over.
    if (playlist.next_msn() + 1 < last_->next_msn()) {
      last_ = playlist;
      time_ = time;
    }
    return findings;
  }
  compare(playlist, findings);
  note_growth(playlist, time, findings);
  last_ = playlist;
  time_ = time;
  if (findings.size() > kMaxFindings) findings.resize(kMaxFindings);
  return findings;
}

void PlaylistHistory::compare(const MediaPlaylist& now, Findings& findings) const {
  const MediaPlaylist& before = *last_;
  headers(before, now, findings);
  ends(before, now, findings);
  removal(before, now, findings);
  for (const Segment& segment : now.segments) {
    const Segment* old = before.find(segment.msn);
    if (old) compare_segments(*old, segment, findings);
    if (!old && segment.msn == before.open.msn) old = &before.open;
    if (old) compare_parts(*old, segment, findings);
  }
  if (now.open.msn == before.open.msn) {
    compare_parts(before.open, now.open, findings);
    if (now.open.parts.empty() && !before.open.parts.empty() && !now.ended)
      add(findings, "part-lost", 0,
          of_segment(now.open) + "'s parts have gone before the segment was listed");
  }
  hint(before, now, findings);
}

void PlaylistHistory::note_growth(const MediaPlaylist& now, ReadingTime time, Findings& findings) {
  const MediaPlaylist& before = *last_;
  const bool segment = now.next_msn() > before.next_msn();
  const bool part = segment || now.open.parts.size() > before.open.parts.size();
  grew_ = segment || part;
  if (now.ended) return late_.reset();
  settle_late(now, findings);
  // An answer that was held came when there was something new; others had nothing new when they were asked
  // for. A segment that the answer shows to be complete by what follows it may have been for a while.
  const bool ended_before = time.held && segment && !now.open.parts.empty();
  stalled(ended_before ? time_.loaded
          : time.held  ? time.loaded
          : segment    ? time_.asked
                       : time.asked,
          findings);
  if (segment) {
    segment_seen_ = time.loaded;
    told_stalled_ = false;
  }
  if (!part || !now.part_target) return;
  const Micros since = (time.held ? time.loaded : time_.asked) - part_seen_;
  // More numbers, yet nothing listed: what was new has left again.
  const bool broken =
      now.open.discontinuous || (segment && !now.segments.empty() && now.segments.back().discontinuous);
  if (before.has_parts() && !broken && since > 2 * *now.part_target + kArrivalSlack) {
    Findings late;
    add(late, "part-late", 0,
        seconds_text(since) + " after the last part there was no new one, PART-TARGET is " +
            seconds_text(*now.part_target));
    note_late(now, std::move(late), findings);
  }
  part_seen_ = time.loaded;
}

void PlaylistHistory::note_late(const MediaPlaylist& now, Findings late, Findings& findings) {
  const Segment& before = last_->open;
  const bool open = now.open.msn == before.msn;
  const bool finished = now.open.msn == before.msn + 1 && now.open.parts.empty();
  const Segment* of = open ? &now.open : finished ? now.find(before.msn) : nullptr;
  const bool alone = of && of->parts.size() == before.parts.size() + 1;
  if (alone && of->parts.back().duration < *now.part_target * kLeastPartPercent / 100)
    late_ = {std::move(late), of->msn, of->parts.size()};
  else
    findings.insert(findings.end(), late.begin(), late.end());
}

void PlaylistHistory::settle_late(const MediaPlaylist& now, Findings& findings) {
  if (!late_) return;
  const bool open = now.open.msn == late_->msn;
  const Segment* of = open ? &now.open : now.find(late_->msn);
  const Segment* next = now.open.msn == late_->msn + 1 ? &now.open : now.find(late_->msn + 1);
  const bool last = !of || of->parts.size() <= late_->parts;
  const bool known = !open && !(next == &now.open && next->parts.empty());
  if (last && !known) return;
  if (!last || !next || !next->discontinuous)
    findings.insert(findings.end(), late_->findings.begin(), late_->findings.end());
  late_.reset();
}

Findings PlaylistHistory::waited(Micros now) {
  Findings findings;
  if (!last_ || last_->ended) return findings;
  // Who asks for a part that the open segment has not got is told of the next segment's first (6.2.5.2): its
  // end is not seen meanwhile.
  if (last_->open.parts.empty() || now - part_seen_ > last_->target() * 3 / 2 + kArrivalSlack)
    stalled(now, findings);
  return findings;
}

void PlaylistHistory::stalled(Micros when, Findings& findings) {
  if (last_->target_s == 0 || told_stalled_) return;
  const Micros since = when - segment_seen_;
  if (since <= last_->target() * 3 / 2 + kArrivalSlack) return;
  told_stalled_ = true;
  add(findings, "stalled", 0,
      seconds_text(since) + " without a new segment, the target duration is " +
          std::to_string(last_->target_s) + " s");
}

}  // namespace headgate::conformance

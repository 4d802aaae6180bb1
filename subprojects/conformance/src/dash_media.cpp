// SPDX-License-Identifier: LGPL-2.1-or-later
#include <conformance/dash_media.h>

#include <algorithm>

#include <conformance/presentation.h>

#include "text.h"

namespace headgate::conformance {
namespace {

std::string named(const MpdRepresentation& one, const MpdSegment& segment) {
  return one.id + "'s segment " + std::to_string(segment.number) + " at " + std::to_string(segment.time);
}

}  // namespace

ListedSegment listed(const MpdRepresentation& one, const MpdSegment& segment) {
  const bool open = !one.complete && !one.segments.empty() && one.segments.back() == segment;
  return {segment, one.bandwidth, open};
}

Findings DashMedia::take_init(const MpdRepresentation& one, Bytes bytes) {
  Findings findings;
  auto init = read_media_init(bytes);
  if (!init) {
    add_dash(findings, "init-format", one.line, one.id + ": " + init.error().message);
    return findings;
  }
  // A header's duration is a fault of HLS only.
  for (const std::string& fault : init->faults)
    if (fault.find("duration") == fault.npos)
      add_dash(findings, "init-format", one.line, one.id + ": " + fault);
  init_ = *std::move(init);
  std::string all;
  for (const MediaTrack& track : init_->tracks) {
    if (track.kind == TrackKind::other || track.encrypted) continue;
    all += (all.empty() ? "" : ",") + track.codec;
    if (track.kind == TrackKind::video && one.width > 0 &&
        (one.width != track.width || one.height != track.height) &&
        (one.width != track.display_width || one.height != track.display_height))
      add_dash(findings, "size-untrue", one.line,
               one.id + " is stated as " + std::to_string(one.width) + "x" + std::to_string(one.height) +
                   ", is " + std::to_string(track.width) + "x" + std::to_string(track.height));
  }
  // Of one track, as DASH has it; of several the order is free and nobody's players mind.
  if (init_->tracks.size() == 1 && !all.empty() && !codec_matches(one.codecs, all))
    add_dash(findings, "codecs-untrue", one.line, one.id + "'s codecs is '" + one.codecs + "', is " + all);
  return findings;
}

Findings DashMedia::take_segment(const MpdRepresentation& one, const ListedSegment& was, Micros min_buffer,
                                 Bytes bytes) {
  Findings findings;
  if (!init_) return findings;
  const MpdSegment& segment = was.segment;
  rate(one, was, min_buffer, bytes.size(), findings);
  auto media = read_media_segment(bytes, *init_);
  if (!media) {
    add_dash(findings, "segment-format", one.line, named(one, segment) + ": " + media.error().message);
    next_.clear();
    return findings;
  }
  for (const std::string& fault : media->faults)
    add_dash(findings, "segment-format", one.line, named(one, segment) + ": " + fault);
  if (media->unknown_track)
    add_dash(
        findings, "segment-format", one.line,
        named(one, segment) + ": track " + std::to_string(*media->unknown_track) + " is not in its init");
  times(one, was, *media, findings);
  expected_ = segment.time + segment.duration;
  return findings;
}

void DashMedia::times(const MpdRepresentation& one, const ListedSegment& was, const MediaSegment& media,
                      Findings& findings) {
  const MpdSegment& segment = was.segment;
  const std::string name = named(one, segment);
  if (!expected_ || *expected_ != segment.time) next_.clear();
  const TrackFragment& first = media.fragments.front();
  const MediaTrack& track = *init_->find(first.track_id);
  int64_t earliest = first.earliest, lasts = 0;
  for (const TrackFragment& fragment : media.fragments) {
    const MediaTrack& its = *init_->find(fragment.track_id);
    if (fragment.track_id == track.id) {
      earliest = std::min(earliest, fragment.earliest);
      lasts += fragment.duration;
    }
    if (auto next = next_.find(its.id); next != next_.end()) {
      const Micros off = media_micros(fragment.decode_time - next->second, its.timescale);
      if (off < -kTimeBackSlack)
        add_dash(findings, "time-back", one.line, name + " begins " + seconds_text(-off) + " early");
      if (off > kTimeHoleSlack)
        add_dash(findings, "time-hole", one.line, name + " begins " + seconds_text(off) + " late");
    }
    next_[its.id] = fragment.decode_time + fragment.duration;
  }
  const auto scale = static_cast<uint32_t>(one.timescale);
  const Micros stated = media_micros(static_cast<int64_t>(segment.time), scale);
  const Micros is = media_micros(earliest, track.timescale);
  if (distance(stated, is) > kMpdTimeSlack)
    add_dash(findings, "time-differs", one.line,
             name + " (" + seconds_text(stated) + ") begins at " + seconds_text(is));
  const Micros long_for = media_micros(static_cast<int64_t>(segment.duration), scale);
  // Of one that was being written that is a forecast, which holds unless its source ends: open-changed.
  const bool cut_off = was.open && media_micros(lasts, track.timescale) < long_for;
  if (!cut_off && distance(long_for, media_micros(lasts, track.timescale)) > kMpdDurationSlack)
    add_dash(findings, "duration-differs", one.line,
             name + " is stated to last " + seconds_text(long_for) + ", lasts " +
                 seconds_text(media_micros(lasts, track.timescale)));
  const auto chunks = std::count_if(media.fragments.begin(), media.fragments.end(),
                                    [&](const auto& fragment) { return fragment.track_id == track.id; });
  if (!one.complete && chunks == 1 && media_micros(lasts, track.timescale) > one.available_early)
    add_dash(findings, "chunk-whole", one.line, name + " is one chunk");
  const bool key = first.first_is_sync && first.first_is_random_access.value_or(true);
  if (track.kind == TrackKind::video && (one.sap == 1 || one.sap == 2) && !key)
    add_dash(findings, "not-sap", one.line, name + " does not begin with a key frame");
}

// Table 9, @bandwidth: what a buffer of minBufferTime needs, looked at in sets of segments as long as that.
// An MPD may state another one later: what was listed is held to what was promised of it then.
void DashMedia::rate(const MpdRepresentation& one, const ListedSegment& was, Micros min_buffer, size_t bytes,
                     Findings& findings) {
  const MpdSegment& segment = was.segment;
  const Micros lasts =
      media_micros(static_cast<int64_t>(segment.duration), static_cast<uint32_t>(one.timescale));
  if (!expected_ || *expected_ != segment.time) rates_.clear();
  rates_.push_back({lasts, static_cast<double>(bytes) * 8, was.promised});
  Sent all;
  for (auto last = rates_.rbegin(); last != rates_.rend() && (all.lasts == 0 || all.lasts < min_buffer);
       ++last) {
    all.lasts += last->lasts;
    all.bits += last->bits;
    all.promised = std::max(all.promised, last->promised);
  }
  constexpr size_t kKept = 64;
  if (rates_.size() > kKept) rates_.pop_front();
  if (all.lasts <= 0 || all.lasts < min_buffer) return;
  const double rate = all.bits * kSecond / static_cast<double>(all.lasts);
  if (rate > static_cast<double>(all.promised) * kMpdRateSlack)
    add_dash(findings, "bandwidth-exceeded", one.line,
             one.id + "'s bandwidth was " + std::to_string(all.promised) + ", measured " +
                 std::to_string(static_cast<int64_t>(rate)));
}

}  // namespace headgate::conformance

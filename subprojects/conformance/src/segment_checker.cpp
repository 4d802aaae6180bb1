// SPDX-License-Identifier: LGPL-2.1-or-later
#include <conformance/segment_checker.h>

#include <algorithm>

#include "text.h"

namespace headgate::conformance {
namespace {

// The track that a segment's times are told by.
const MediaTrack* main_track(const MediaInit& init) {
  const MediaTrack* sound = nullptr;
  for (const MediaTrack& track : init.tracks) {
    if (track.kind == TrackKind::video) return &track;
    if (track.kind == TrackKind::audio && !sound) sound = &track;
  }
  return sound;
}

const TrackFragment* first_of(const MediaSegment& media, const MediaInit& init, TrackKind kind) {
  auto found = std::find_if(media.fragments.begin(), media.fragments.end(), [&](const TrackFragment& one) {
    const MediaTrack* track = init.find(one.track_id);
    return track && track->kind == kind;
  });
  return found == media.fragments.end() ? nullptr : &*found;
}

}  // namespace

const MediaInit* SegmentChecker::init_of(const Segment& segment) const {
  if (!segment.map) return nullptr;
  auto found = inits_.find(to_string(*segment.map));
  return found == inits_.end() ? nullptr : &found->second;
}

Findings SegmentChecker::take_init(const Resource& map, Bytes bytes) {
  Findings findings;
  if (!is_mp4(bytes)) {
    add(findings, "not-checked", 0, map.uri + " is no MP4");
    return findings;
  }
  auto init = read_media_init(bytes);
  if (!init) {
    add(findings, "init-format", 0, map.uri + ": " + init.error().message);
    return findings;
  }
  for (const std::string& fault : init->faults) add(findings, "init-format", 0, map.uri + ": " + fault);
  const MediaInit& kept = inits_.insert_or_assign(to_string(map), *std::move(init)).first->second;
  for (const MediaTrack& track : kept.tracks) {
    if (track.encrypted) add(findings, "not-checked", 0, map.uri + ": a track is encrypted");
    if (track.kind != TrackKind::other && !track.encrypted) codecs_.insert(track.codec);
    if (track.kind == TrackKind::video) video_ = track;
  }
  return findings;
}

bool SegmentChecker::readable(const Segment& segment, Bytes bytes, Findings& findings) {
  if (segment.encrypted || !is_mp4(bytes)) {
    add(findings, "not-checked", segment.line,
        of_segment(segment) + (segment.encrypted ? " is encrypted" : " is no MP4"));
    return false;
  }
  if (!segment.map) add(findings, "map-missing", segment.line, of_segment(segment) + " is fMP4 and has none");
  return init_of(segment) != nullptr;
}

Findings SegmentChecker::take_segment(const Segment& segment, Context context, Bytes bytes) {
  Findings findings;
  Measured measured{segment.msn,  segment.discontinuity, segment.duration,
                    bytes.size(), std::nullopt,          segment.date};
  bitrate(segment, bytes.size(), findings);
  if (readable(segment, bytes, findings)) {
    const MediaInit& init = *init_of(segment);
    auto media = read_media_segment(bytes, init, context.iframes_only);
    if (!media) {
      add(findings, "segment-format", segment.line, of_segment(segment) + ": " + media.error().message);
      clocks_.clear();
    } else {
      for (const std::string& fault : media->faults)
        add(findings, "segment-format", segment.line, of_segment(segment) + ": " + fault);
      if (media->unknown_track)
        add(findings, "segment-tracks", segment.line,
            of_segment(segment) + " has track " + std::to_string(*media->unknown_track) +
                ", its EXT-X-MAP has not");
      key_frames(segment, *media, init, context, findings);
      if (!context.iframes_only) {
        continuity(segment, *media, init, findings);
        durations(segment, *media, init, measured, findings);
        compare_parts(segment, *media, findings);
      }
    }
  }
  last_msn_ = segment.msn;
  measured_.push_back(measured);
  if (measured_.size() > kMaxMeasured) measured_.pop_front();
  return findings;
}

void SegmentChecker::continuity(const Segment& segment, const MediaSegment& media, const MediaInit& init,
                                Findings& findings) {
  std::vector<std::pair<uint32_t, TrackKind>> tracks;
  for (const MediaTrack& track : init.tracks) tracks.emplace_back(track.id, track.kind);
  const bool follows = last_msn_ && *last_msn_ + 1 == segment.msn && !segment.discontinuous;
  if (follows && !tracks_.empty() && tracks != tracks_)
    add(findings, "tracks-changed", segment.line,
        of_segment(segment) + "'s EXT-X-MAP has other tracks than the one before");
  if (!follows || tracks != tracks_) clocks_.clear();
  tracks_ = tracks;
  for (const TrackFragment& fragment : media.fragments) {
    const MediaTrack& track = *init.find(fragment.track_id);
    auto clock = clocks_.find(track.id);
    if (clock != clocks_.end() && clock->second.timescale == track.timescale) {
      const Micros off = media_micros(fragment.decode_time - clock->second.next, track.timescale);
      const std::string what = of_segment(segment) + ", track " + std::to_string(track.id) +
                               ": a decode time of " +
                               seconds_text(media_micros(fragment.decode_time, track.timescale)) + " is " +
                               seconds_text(off < 0 ? -off : off) + (off < 0 ? " before" : " after") +
                               " the end of what came before";
      if (off < -kTimeBackSlack) add(findings, "time-back", segment.line, what);
      if (off > kTimeHoleSlack) add(findings, "time-hole", segment.line, what);
    }
    clocks_[track.id] = {fragment.decode_time + fragment.duration, track.timescale};
  }
}

void SegmentChecker::key_frames(const Segment& segment, const MediaSegment& media, const MediaInit& init,
                                const Context& context, Findings& findings) const {
  const std::string name = of_segment(segment);
  for (const TrackFragment& fragment : media.fragments)
    if (fragment.untrue_sync_samples > 0)
      add(findings, "sync-untrue", segment.line, name + " has a sync sample that is no IDR or IRAP picture");
  const TrackFragment* first = first_of(media, init, TrackKind::video);
  const bool starts = first && first->first_is_sync && first->first_is_random_access.value_or(true);
  if (context.iframes_only) {
    if (media.has_init && segment.resource.range)
      add(findings, "iframe-single", segment.line, name + "'s range has its initialisation section");
    if (media.fragments.size() != 1 || !starts)
      add(findings, "iframe-single", segment.line, name + " is not one key frame");
    const MediaTrack* track = first ? init.find(first->track_id) : nullptr;
    if (starts && track->nal_length > 0 && !first->first_is_random_access)
      add(findings, "iframe-single", segment.line, name + " does not hold its picture's data");
    return;
  }
  if (!first || starts) return;
  const std::string what = name + "'s video does not begin with a key frame";
  if (context.independent)
    add(findings, "not-independent", segment.line, what);
  else
    add(findings, "no-key-frame", segment.line, what);
}

void SegmentChecker::durations(const Segment& segment, const MediaSegment& media, const MediaInit& init,
                               Measured& measured, Findings& findings) {
  const MediaTrack* track = main_track(init);
  if (!track) return;
  int64_t ticks = 0, earliest = INT64_MAX, shown_until = INT64_MIN;
  uint64_t frames = 0;
  for (const TrackFragment& fragment : media.fragments) {
    if (fragment.track_id != track->id) continue;
    ticks += fragment.duration;
    earliest = std::min(earliest, fragment.earliest);
    shown_until = std::max(shown_until, fragment.shown_until);
    frames += fragment.samples;
    const Micros start = media_micros(fragment.earliest, track->timescale);
    measured.start = std::min(measured.start.value_or(start), start);
  }
  if (frames == 0) return;
  const Micros lasts = media_micros(ticks, track->timescale);
  // Of pictures that are shown in another order the last may stand behind some that never came.
  const Micros shown = media_micros(shown_until - earliest, track->timescale);
  const Micros slack = track->kind == TrackKind::video ? kDurationSlack : kSoundSlack;
  if (distance(lasts, segment.duration) > slack && distance(shown, segment.duration) > slack)
    add(findings, "duration-wrong", segment.line,
        of_segment(segment) + "'s EXTINF is " + seconds_text(segment.duration) + ", its media last " +
            seconds_text(lasts));
  if (track->kind != TrackKind::video) return;
  frames_ += frames;
  framed_ += lasts;
}

void SegmentChecker::bitrate(const Segment& segment, uint64_t bytes, Findings& findings) const {
  if (!segment.bitrate || segment.duration <= 0) return;
  const double is = static_cast<double>(bytes) * 8 * 1000 / static_cast<double>(segment.duration);  // kbit/s
  const auto stated = static_cast<double>(*segment.bitrate);
  if (stated < is * 0.9 || stated > is * 1.1)
    add(findings, "bitrate-tag", segment.line,
        of_segment(segment) + " has " + std::to_string(static_cast<int64_t>(is)) +
            " kbit/s, EXT-X-BITRATE says " + std::to_string(*segment.bitrate));
}

double SegmentChecker::frame_rate() const {
  constexpr Micros kEnough = kSecond;
  return framed_ < kEnough ? 0 : static_cast<double>(frames_) * kSecond / static_cast<double>(framed_);
}

Rates SegmentChecker::rates(uint64_t target_s) const {
  Rates rates;
  const double target = static_cast<double>(target_s) * kSecond;
  double all_bytes = 0, all_time = 0;
  for (size_t begin = 0; begin < measured_.size(); ++begin) {
    all_bytes += static_cast<double>(measured_[begin].bytes);
    all_time += static_cast<double>(measured_[begin].duration);
    double bytes = 0, time = 0;
    for (size_t i = begin; i < measured_.size() && measured_[i].msn - measured_[begin].msn == i - begin;
         ++i) {
      bytes += static_cast<double>(measured_[i].bytes);
      time += static_cast<double>(measured_[i].duration);
      if (time > 1.5 * target || measured_[i].duration == 0) break;
      if (time >= 0.5 * target) rates.peak = std::max(rates.peak, bytes * 8 * kSecond / time);
    }
  }
  if (all_time > 0) rates.average = all_bytes * 8 * kSecond / all_time;
  return rates;
}

}  // namespace headgate::conformance

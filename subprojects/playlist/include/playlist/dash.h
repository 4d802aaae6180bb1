// SPDX-License-Identifier: LGPL-2.1-or-later
// DASH manifests (ISO/IEC 23009-1) as text, computed from a StreamIndex and what the segments' boxes say.
// Pure: the same arguments give the same bytes.
//
// A Period for each discontinuity, numbered as HLS numbers them, and for each change of the renditions that
// there are (dash_periods.h). Periods stand where the stream's timeline has them: @start is the time on it of
// the first segment that was ever told, @presentationTimeOffset the same in the track's own timescale: a
// media time never means another presentation time, and neither changes when segments leave the manifest.
// availabilityStartTime is the wall clock at the timeline's zero, for good: where the sender's clock and the
// node's have come apart, Period@start is moved from there on, or BaseURL@availabilityTimeOffset says how
// much earlier segments can be had (kMaxDashDrift). Video and audio are the views of hls.h.
//
// Low latency (DASH-IF IOP, Low-latency Modes for DASH): of a live stream whose writer promises the length of
// parts, and whose segments last alike, the segment that is being written is listed, too, from its first part
// on (availabilityTimeComplete="false"), as long as segments of the stream usually last. What a
// SegmentTimeline says of it is what will be, as long as they go on so; else it is put right when the segment
// is finished.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <playlist/dash_periods.h>
#include <playlist/stream_index.h>
#include <playlist/track_facts.h>
#include <playlist/view_meter.h>

namespace headgate::playlist {

// Low latency: what a player is to keep behind the live edge, in part target durations (Latency@target and
// @min), and how fast it may play to do so, in hundredths (PlaybackRate).
inline constexpr int64_t kDashLatencyParts = 5, kDashLeastLatencyParts = 3;
static_assert(kDashPatienceParts < kDashLatencyParts);
inline constexpr int kDashSlowest = 96, kDashFastest = 104;

struct DashSettings {
  bool everything = false;  // all segments; otherwise those that a live playlist lists
  bool ended = false;       // static: nothing will follow
  int64_t zero_utc_us = 0;  // wall clock at the timeline's zero; always the same for a stream. 0: not known
  std::string base{};       // of all segments' names: "../../hls/42/"
  std::vector<DashRendition> renditions{};
  const StreamIndex* pictures = nullptr;  // the stream's small pictures; null: it has none
};

// Without any segment there is nothing to list: empty text. Otherwise all but the end, which tells the time.
// `periods` is what players were told before by manifests of the same index, `everything` or not; `meters`
// are of the same index and facts.
std::string dash_manifest(const StreamIndex& index, const TrackFacts& facts, const DashSettings& settings,
                          DashPeriods& periods, ViewMeters& meters);
// By whoever asks once.
std::string dash_manifest(const StreamIndex& index, const TrackFacts& facts, const DashSettings& settings,
                          DashPeriods& periods);
// Nobody was told anything before.
std::string dash_manifest(const StreamIndex& index, const TrackFacts& facts, const DashSettings& settings);
// What goes behind it, when it is sent. `time_uri` answers with dash_time(), and is relative to
// DashSettings::base as well as to the manifest; empty: there is none.
std::string dash_end(int64_t now_utc_us, const std::string& time_uri = "");
// urn:mpeg:dash:utc:http-xsdate:2014 (5.8.5.7).
std::string dash_time(int64_t now_utc_us);

// The wall clock at the timeline's zero as the newest segment has it; runs differ by parts of a second.
int64_t timeline_zero_utc_us(const StreamIndex& index);

}  // namespace headgate::playlist

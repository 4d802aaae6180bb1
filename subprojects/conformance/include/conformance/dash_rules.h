// SPDX-License-Identifier: LGPL-2.1-or-later
// The rules of DASH, by clause of ISO/IEC 23009-1:2022.
#pragma once

#include <conformance/rule.h>

namespace headgate::conformance {

inline constexpr Rule kDashRules[] = {
    // One reading of an MPD.
    {"mpd-xml", "5.2", Severity::error,
     "an MPD is well-formed XML in urn:mpeg:dash:schema:mpd:2011, of at most 8 MiB", "write it so"},
    {"mpd-value", "5.3", Severity::error, "each attribute's value has the form that its definition says",
     "correct the value"},
    {"mpd-required", "5.3.1.2", Severity::error,
     "MPD has profiles and minBufferTime, and if dynamic availabilityStartTime and publishTime", "add it"},
    {"period-id", "5.3.2.2", Severity::error, "each Period of a dynamic MPD has an id, of its own", "add it"},
    {"period-order", "5.3.2.1", Severity::error, "Periods begin one after the other", "sort them"},
    {"period-gap", "5.3.2.1", Severity::note,
     "a Period's segments go on until the next one begins, unless the source was away",
     "begin the next Period where the media end, if nothing is missing"},
    {"representation-required", "5.3.5.2", Severity::error,
     "each Representation has an id of its own in its Period, a bandwidth and (5.3.7.2) a mimeType",
     "add it"},
    {"template-media", "5.3.9.4.4", Severity::error,
     "SegmentTemplate@media has $Number$ or $Time$, not both, and only identifiers that there are",
     "correct the template"},
    {"template-timing", "5.3.9.2.2", Severity::error,
     "segments have a duration or a SegmentTimeline, not both", "remove one"},
    {"timeline-overlap", "5.3.9.6.1", Severity::error, "segments of a SegmentTimeline do not overlap",
     "make S@t what the media say"},
    {"timeline-gap", "5.3.9.6.1", Severity::warning, "in a Period no time is missing between segments",
     "begin another Period where media are missing"},
    {"segment-long", "5.3.1.2", Severity::error, "no segment is longer than MPD@maxSegmentDuration",
     "raise it"},
    {"not-aligned", "5.3.3.2", Severity::error,
     "with segmentAlignment the Representations of an AdaptationSet have the same segments",
     "cut them at the same times"},
    {"utc-timing", "5.8.4.11", Severity::note, "a dynamic MPD says where its clock is to be had",
     "add UTCTiming"},
    {"early-offset", "5.3.9.5.3", Severity::error,
     "with availabilityTimeComplete false there is an availabilityTimeOffset, less than the longest segment "
     "lasts",
     "a segment's duration, less a chunk's"},
    {"latency-absent", "K.3.2", Severity::warning,
     "with availabilityTimeComplete false a ServiceDescription says which latency is aimed at",
     "add Latency with target"},
    {"latency-range", "K.3.2", Severity::error, "Latency's target lies between its min and its max",
     "correct them"},
    {"latency-reference", "K.3.2", Severity::error, "Latency's referenceId is a ProducerReferenceTime's",
     "add one to each AdaptationSet"},
    {"reference-time", "5.12.2", Severity::error,
     "a ProducerReferenceTime has an id, wallClockTime and presentationTime; the two do not come apart by "
     "more than 0.1 s",
     "date media by media time"},
    {"not-checked", "5.3.9", Severity::note,
     "segments by SegmentTemplate, without encryption (what this checker reads)",
     "check others with something else"},
    // Reading after reading.
    {"publish-time", "5.4", Severity::error, "an MPD that differs has a later publishTime",
     "raise it with each change"},
    {"start-changed", "5.4", Severity::error,
     "availabilityStartTime does not change, nor does the presentation time of a media time",
     "move Period@start and presentationTimeOffset together"},
    {"set-changed", "5.4", Severity::error,
     "a Period keeps its Representations until all their segments have left", "begin another Period"},
    {"segment-changed", "5.4", Severity::error, "a segment keeps its time, duration and number",
     "never rewrite a timeline"},
    {"open-changed", "5.4", Severity::note,
     "a segment that is listed before it is complete is as long as it was listed, within 50 ms, unless its "
     "source ends",
     "list it when its duration is known, or cut segments alike"},
    {"segment-lost", "5.4", Severity::error,
     "segments leave at the beginning only, and not before timeShiftBufferDepth is over", "keep them"},
    {"stalled", "5.3.1.2", Severity::error,
     "a dynamic MPD gets new segments (told after two maximum segment durations and minimumUpdatePeriod)",
     "publish, or end the presentation"},
    {"end-undone", "5.3.1.2", Severity::error, "what has become static stays so",
     "end it when nothing can follow"},
    // What the media are.
    {"init-missing", "5.3.9.5", Severity::error, "initialisation segments can be downloaded", "keep them"},
    {"segment-missing", "5.3.9.5.3", Severity::error, "segments can be downloaded from when the MPD says on",
     "announce them later"},
    {"init-format", "6.3.3", Severity::error, "an initialisation segment is ftyp and moov with mvex",
     "write it so"},
    {"segment-format", "6.3.4", Severity::error,
     "a media segment is moof and mdat; each track fragment has a tfdt", "write it so"},
    {"time-differs", "5.3.9.6.1", Severity::error,
     "a segment begins when the MPD says, within 50 ms, by its tfdt and composition",
     "make S@t what the media say"},
    {"duration-differs", "5.3.9.6.1", Severity::warning,
     "a segment lasts as long as the MPD says, within 0.1 s", "make S@d what the media say"},
    {"time-back", "6.3.4", Severity::error, "in a Period decode times go on where they ended",
     "begin another Period"},
    {"time-hole", "6.3.4", Severity::warning, "in a Period no decode time is missing",
     "begin another Period"},
    {"chunk-whole", "6.3.4", Severity::warning,
     "with availabilityTimeComplete false a segment has more than one chunk", "write moof and mdat in parts"},
    {"not-sap", "5.3.7.2", Severity::error, "with startWithSAP 1 or 2 each segment begins with a key frame",
     "cut at key frames"},
    {"codecs-untrue", "5.3.7.2", Severity::error, "codecs is what the initialisation segment says",
     "make it from the decoder configuration"},
    {"size-untrue", "5.3.7.2", Severity::warning, "width and height are the pictures'", "correct them"},
    {"bandwidth-exceeded", "5.3.5.2", Severity::warning,
     "segments as long as minBufferTime have no bit rate 10 % over bandwidth", "raise it"},
    // HTTP.
    {"mpd-status", "5.4", Severity::error, "an MPD that was there stays there", "see the status"},
    {"mpd-type", "C.2", Severity::note, "an MPD is sent as application/dash+xml", "send Content-Type"},
    {"media-type", "5.3.7.2", Severity::note, "segments are sent with a media type", "video/mp4, audio/mp4"},
};

class DashRule {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): add(findings, "mpd-xml", …) is the point.
  consteval DashRule(const char* id) : rule_(look_up(kDashRules, id)) {}
  const Rule* rule() const { return rule_; }

 private:
  const Rule* rule_;
};

inline void add_dash(Findings& findings, DashRule rule, size_t line, std::string what) {
  findings.push_back({rule.rule(), line, std::move(what)});
}

}  // namespace headgate::conformance

// SPDX-License-Identifier: LGPL-2.1-or-later
// A reader of DASH MPDs (ISO/IEC 23009-1:2022, 5.3), as far as segments are by SegmentTemplate, and the rules
// of one reading. Any bytes may come in; entities are not replaced and nothing is loaded. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <conformance/dash_rules.h>
#include <conformance/m3u8.h>

namespace headgate::conformance {

inline constexpr size_t kMaxMpdBytes = 8u << 20;
inline constexpr size_t kMaxMpdSegments = 1u << 17;  // of an MPD, all timelines together
inline constexpr size_t kMaxRepresentations = 256;
inline constexpr uint64_t kMaxMpdSeconds = 100'000'000'000;  // of a duration; some count from 1970
inline constexpr uint64_t kMaxMpdTicks = uint64_t{1} << 60;

struct MpdSegment {
  uint64_t number = 0;
  uint64_t time = 0;  // ticks, S@t
  uint64_t duration = 0;
  bool operator==(const MpdSegment&) const = default;
};

struct MpdRepresentation {
  size_t line = 0;
  std::string id, mime, codecs, base;  // base: BaseURL of all levels, one behind the other
  uint64_t bandwidth = 0;
  uint64_t width = 0, height = 0;
  uint64_t sap = 0;  // startWithSAP
  bool is_protected = false;
  // SegmentTemplate, of all levels.
  bool has_template = false;
  std::string init, media;
  uint64_t timescale = 1, start_number = 1, offset = 0;  // offset: presentationTimeOffset
  std::optional<uint64_t> duration;                      // by number
  bool has_timeline = false;
  std::vector<MpdSegment> segments;  // of the timeline; a repetition without end goes as far as is told
  Micros available_early = 0;        // availabilityTimeOffset
  bool complete = true;              // availabilityTimeComplete: when it can be had first
  // A template's URL (5.3.9.4.4).
  std::string init_url() const;
  std::string media_url(const MpdSegment& segment) const;
};

struct MpdReferenceTime {  // ProducerReferenceTime
  std::string id;
  Micros wall_clock = 0;  // since 1970
  uint64_t time = 0;      // ticks
};

struct MpdSet {  // AdaptationSet
  size_t line = 0;
  bool aligned = false;
  std::vector<MpdReferenceTime> reference_times;
  std::vector<MpdRepresentation> representations;
};

struct MpdPeriod {
  size_t line = 0;
  std::string id;
  std::optional<Micros> start, duration;  // start: as given, or by the period before
  std::vector<MpdSet> sets;
};

struct MpdLatency {  // of ServiceDescription, in ms
  size_t line = 0;
  std::string reference;
  std::optional<uint64_t> target, least, most;
};

struct Mpd {
  bool dynamic = false, utc_timing = false;
  std::string profiles;
  std::optional<Micros> availability_start, publish_time;  // since 1970
  std::optional<Micros> duration, min_buffer, update_period, time_shift_depth, max_segment, suggested_delay;
  std::optional<MpdLatency> latency;
  std::vector<MpdPeriod> periods;
};

struct ParsedMpd {
  std::optional<Mpd> mpd;
  Findings findings;  // at most kMaxFindings
};
// What is wrong as XML, and by 5.3.
ParsedMpd parse_mpd(std::string_view text);

// Those of a Representation that can be loaded at `now_utc` (since 1970): its timeline's, or, by number, the
// last kMostByNumber that are complete by then (5.3.9.5.3); of a static MPD all.
inline constexpr uint64_t kMostByNumber = 32;
std::vector<MpdSegment> available_segments(const Mpd& mpd, const MpdPeriod& period,
                                           const MpdRepresentation& one, Micros now_utc);

}  // namespace headgate::conformance

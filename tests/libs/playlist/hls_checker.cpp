// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hls_checker.h"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <sstream>
#include <utility>

namespace headgate::test {
namespace {

std::optional<int64_t> parse_date(const std::string& text) {
  std::tm parts{};
  int ms = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d.%3dZ", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                  &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &ms) != 7)
    return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return int64_t{::timegm(&parts)} * 1000 + ms;
}

double total(const ParsedPlaylist& playlist) {
  double sum = 0;
  for (const ListedSegment& segment : playlist.segments) sum += segment.duration;
  return sum;
}

}  // namespace

ParsedPlaylist parse_playlist(const std::string& text) {
  ParsedPlaylist playlist;
  const auto fault = [&](const std::string& what) { playlist.faults.push_back(what); };
  std::istringstream lines(text);
  std::string line;
  if (!std::getline(lines, line) || line != "#EXTM3U") fault("4.3.1.1: does not begin with #EXTM3U");
  ListedSegment segment;
  std::string map;
  uint64_t discontinuity = 0;
  bool has_duration = false, target_seen = false;
  while (std::getline(lines, line)) {
    const size_t colon = line.find(':');
    const std::string tag = line.substr(0, colon),
                      value = colon == std::string::npos ? "" : line.substr(colon + 1);
    const bool among_segments =
        !playlist.segments.empty() || discontinuity != playlist.discontinuity_sequence;
    if (tag == "#EXT-X-VERSION") {
      playlist.version = std::stoi(value);
    } else if (tag == "#EXT-X-TARGETDURATION") {
      if (target_seen) fault("4.3.3: EXT-X-TARGETDURATION twice");
      target_seen = true;
      playlist.target = std::stoull(value);
    } else if (tag == "#EXT-X-MEDIA-SEQUENCE") {
      if (among_segments) fault("4.3.3.2: EXT-X-MEDIA-SEQUENCE after a segment");
      playlist.media_sequence = std::stoull(value);
    } else if (tag == "#EXT-X-DISCONTINUITY-SEQUENCE") {
      if (among_segments) fault("4.3.3.3: EXT-X-DISCONTINUITY-SEQUENCE after a segment or discontinuity");
      playlist.discontinuity_sequence = discontinuity = std::stoull(value);
    } else if (tag == "#EXT-X-PLAYLIST-TYPE") {
      playlist.type = value;
    } else if (tag == "#EXT-X-INDEPENDENT-SEGMENTS") {
      playlist.independent = true;
    } else if (tag == "#EXT-X-DISCONTINUITY") {
      ++discontinuity;
    } else if (tag == "#EXT-X-MAP") {
      map = value;
      if (playlist.version < 6) fault("7: EXT-X-MAP needs version 6");
    } else if (tag == "#EXT-X-PROGRAM-DATE-TIME") {
      segment.date_ms = parse_date(value);
      if (!segment.date_ms) fault("4.3.2.6: not a date: " + value);
    } else if (tag == "#EXTINF") {
      segment.duration = std::stod(value);
      has_duration = true;
    } else if (tag == "#EXT-X-BYTERANGE") {
      segment.range = value;
    } else if (tag == "#EXT-X-GAP") {
      segment.gap = true;
    } else if (tag == "#EXT-X-ENDLIST") {
      playlist.ended = true;
    } else if (line.starts_with("#") || line.empty()) {
      fault("unknown line: " + line);
    } else {
      if (!has_duration) fault("4.3.2.1: no EXTINF before " + line);
      if (map.empty() && !segment.gap) fault("4.3.2.5: no EXT-X-MAP before " + line);
      segment.uri = line;
      if (!segment.gap) segment.map = map;
      segment.msn = playlist.media_sequence + playlist.segments.size();
      segment.discontinuity = discontinuity;
      playlist.segments.push_back(std::exchange(segment, {}));
      has_duration = false;
    }
  }
  if (!target_seen) fault("4.3.3.1: no EXT-X-TARGETDURATION");
  for (const ListedSegment& s : playlist.segments)
    if (std::lround(s.duration) > static_cast<long>(playlist.target))
      fault("4.3.3.1: " + s.uri + " is longer than the target duration");
  return playlist;
}

std::vector<std::string> LiveChecker::check(const std::string& text) {
  ParsedPlaylist now = parse_playlist(text);
  std::vector<std::string> faults = now.faults;
  const auto fault = [&](const std::string& what) { faults.push_back(what); };
  if (last_) {
    if (now.media_sequence < last_->media_sequence) fault("6.2.2: media sequence went back");
    if (now.discontinuity_sequence < last_->discontinuity_sequence)
      fault("6.2.2: discontinuity sequence went back");
    if (now.target != last_->target) fault("6.2.1: the target duration changed");
    if (now.media_sequence + now.segments.size() < last_->media_sequence + last_->segments.size())
      fault("6.2.1: segments left at the end");
    if (now.media_sequence > last_->media_sequence &&
        total(now) < 3.0 * static_cast<double>(now.target) - 1e-3)
      fault("6.2.2: less than three target durations stayed");
  }
  const ListedSegment* before = nullptr;
  for (const ListedSegment& segment : now.segments) {
    const auto [it, fresh] = seen_.emplace(segment.msn, segment);
    const ListedSegment& known = it->second;
    if (!fresh) {
      if (known.uri != segment.uri || known.range != segment.range || known.duration != segment.duration ||
          known.date_ms != segment.date_ms || known.map != segment.map || known.gap != segment.gap)
        fault("6.2.1: " + segment.uri + " changed");
      if (known.discontinuity != segment.discontinuity)
        fault("6.2.2: discontinuity sequence of " + segment.uri + " changed");
    }
    if (before != nullptr && before->discontinuity == segment.discontinuity) {
      const bool gap = before->gap || segment.gap;
      if (!gap && before->map != segment.map)
        fault("a MAP changes without a discontinuity at " + segment.uri);
      const double expected = static_cast<double>(*before->date_ms) + before->duration * 1000;
      if (std::abs(expected - static_cast<double>(*segment.date_ms)) > 2)
        fault("4.3.2.6: the date of " + segment.uri + " contradicts the durations");
    }
    before = &segment;
  }
  last_ = std::move(now);
  return faults;
}

}  // namespace headgate::test

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "m3u8_parser.h"

namespace headgate::conformance {

std::string to_string(const Resource& resource) {
  if (!resource.range) return resource.uri;
  return resource.uri + " (" + std::to_string(resource.range->length) + "@" +
         std::to_string(resource.range->offset) + ")";
}

Micros MediaPlaylist::duration() const {
  Micros sum = 0;
  for (const Segment& segment : segments) sum += segment.duration;
  return sum;
}

bool MediaPlaylist::has_parts() const {
  return !open.parts.empty() || std::any_of(segments.begin(), segments.end(),
                                            [](const Segment& segment) { return !segment.parts.empty(); });
}

const Segment* MediaPlaylist::find(uint64_t msn) const {
  if (segments.empty()) return nullptr;
  const uint64_t first = segments.front().msn;
  return msn < first || msn - first >= segments.size() ? nullptr : &segments[msn - first];
}

std::optional<MediaPlaylist::Position> MediaPlaylist::last() const {
  if (!open.parts.empty()) return Position{open.msn, open.parts.size() - 1};
  if (segments.empty()) return std::nullopt;
  const Segment& end = segments.back();
  if (end.parts.empty()) return Position{end.msn, std::nullopt};
  return Position{end.msn, end.parts.size() - 1};
}

bool MediaPlaylist::reaches(const Position& wanted) const {
  if (!segments.empty() && segments.back().msn >= wanted.msn) return true;
  if (!wanted.part || open.parts.empty()) return false;
  return open.msn > wanted.msn || (open.msn == wanted.msn && open.parts.size() > *wanted.part);
}

void PlaylistParser::find(HlsRule rule, std::string what) {
  add(findings_, rule, line_, std::move(what));
}

Parsed PlaylistParser::run(std::string_view text) {
  if (text.size() > kMaxPlaylistBytes) {
    find("too-large", "it has " + std::to_string(text.size()) + " bytes");
    return {std::nullopt, std::nullopt, std::move(findings_)};
  }
  if (std::string fault = fault_in_text(text); !fault.empty()) find("text", fault);
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  while (!text.empty()) {
    ++line_;
    const size_t end = text.find('\n');
    std::string_view one = text.substr(0, end);
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    if (!one.empty() && one.back() == '\r') one.remove_suffix(1);
    if (line_ == 1 && one != "#EXTM3U") {
      find("extm3u", "the first line is '" + std::string(one.substr(0, 40)) + "'");
      if (one.substr(0, 7) != "#EXTM3U") return {std::nullopt, std::nullopt, std::move(findings_)};
    }
    line(one);
  }
  if (line_ == 0) {
    find("extm3u", "it is empty");
    return {std::nullopt, std::nullopt, std::move(findings_)};
  }
  finish();
  if (findings_.size() > kMaxFindings) findings_.resize(kMaxFindings);
  Parsed parsed;
  parsed.findings = std::move(findings_);
  // A playlist of neither kind's tags is an empty multivariant one (4.1).
  if (media_tags_) {
    parsed.media = std::move(media_);
  } else {
    parsed.multivariant = std::move(multivariant_);
  }
  return parsed;
}

void PlaylistParser::line(std::string_view text) {
  if (text.empty()) return;
  const bool comment = text[0] == '#' && text.substr(0, 4) != "#EXT";
  if (comment) return;
  if (findings_.size() < kMaxFindings && (text.front() == ' ' || text.back() == ' '))
    find("text", "the line begins or ends with a space");
  if (text[0] == '#') return tag(text.substr(1));
  uri(text);
}

void PlaylistParser::tag(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const std::string_view value = colon == text.npos ? std::string_view() : text.substr(colon + 1);
  const TagRule* rule = kTags;
  while (!rule->name.empty() && rule->name != name) ++rule;
  if (rule->name.empty()) return;
  if (!seen_.insert(rule->name).second && rule->once)
    return find("tag-once", "a second " + std::string(name));
  if (rule->of != Of::both) {
    bool& mine = rule->of == Of::media ? media_tags_ : multivariant_tags_;
    const bool other = rule->of == Of::media ? multivariant_tags_ : media_tags_;
    if (other && !mine) find("kind", std::string(name) + " in a playlist of the other kind");
    mine = true;
  }
  // What is wrong on every line of a long playlist is told on the first of them only.
  const size_t told = findings_.size();
  if (rule->attributes) attributes_ = Attributes(name, value, line_, findings_);
  (this->*rule->take)(value);
  if (findings_.size() > kMaxFindings) findings_.resize(std::max(told, kMaxFindings));
}

void PlaylistParser::uri(std::string_view text) {
  if (variant_) {
    variant_->uri = text;
    multivariant_.variants.push_back(*std::move(variant_));
    variant_.reset();
    return;
  }
  if (multivariant_tags_ && !media_tags_)
    return find("uri-missing", "'" + std::string(text.substr(0, 60)) + "' has no EXT-X-STREAM-INF before it");
  end_segment(text);
}

void PlaylistParser::end_segment(std::string_view text) {
  media_tags_ = true;
  Segment& segment = media_.open;
  if (!has_extinf_) {
    find("extinf-missing", "'" + std::string(text.substr(0, 60)) + "' has none");
    segment.line = line_;
  }
  segment.resource.uri = text;
  if (range_) segment.resource.range = placed(*range_, segment.resource.uri, false);
  if (!range_) segment.bitrate = bitrate_;
  ranged_uri_ = range_ ? segment.resource.uri : "";
  Segment next;
  next.map = segment.map;
  next.encrypted = segment.encrypted;
  media_.segments.push_back(std::move(segment));
  media_.open = std::move(next);
  media_.open.discontinuity = discontinuities_;
  ranged_part_uri_.clear();
  has_extinf_ = false;
  range_.reset();
}

// A range's place, with or without offset.
std::optional<ByteRange> PlaylistParser::placed(const WrittenRange& written, const std::string& uri,
                                                bool of_part) {
  const std::string& before = of_part ? ranged_part_uri_ : ranged_uri_;
  uint64_t& end = of_part ? part_range_end_ : range_end_;
  if (!written.offset && before != uri) {
    find("byterange-start", uri.substr(0, 60) + " has no offset, and no range of it came before");
    return std::nullopt;
  }
  const ByteRange range{written.length, written.offset.value_or(end)};
  end = range.offset + range.length;
  if (end > kMaxSequence) {
    find("tag-value", "a byte range ends beyond any file");
    end = 0;
    return std::nullopt;
  }
  return range;
}

void PlaylistParser::finish() {
  line_ = 0;
  if (has_extinf_) find("uri-missing", "the last EXTINF has no URI");
  if (variant_) find("uri-missing", "the last EXT-X-STREAM-INF has no URI");
  if (media_tags_ && media_.target_s == 0) find("target-missing", "there is none");
  media_.version = multivariant_.version = version_;
  media_.independent = multivariant_.independent = independent_;
  if (map_seen_ && media_.iframes_only) needs(5, "EXT-X-MAP with EXT-X-I-FRAMES-ONLY");
  if (map_seen_ && !media_.iframes_only) needs(6, "EXT-X-MAP");
  media_.needed_version = multivariant_.needed_version = needed_version_;
  media_.needs_version_for = multivariant_.needs_version_for = needs_version_for_;
  uint64_t msn = media_.media_sequence + media_.skipped.value_or(0);
  for (Segment& segment : media_.segments) {
    segment.msn = msn++;
    segment.discontinuity += media_.discontinuity_sequence;
  }
  media_.open.msn = msn;
  media_.open.discontinuity += media_.discontinuity_sequence;
}

void PlaylistParser::needs(uint64_t version, const char* what) {
  if (version <= needed_version_) return;
  needed_version_ = version;
  needs_version_for_ = what;
}

Parsed parse_playlist(std::string_view text) {
  return PlaylistParser().run(text);
}

}  // namespace headgate::conformance

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <set>

#include "tag_attributes.h"

namespace headgate::conformance {

// One playlist's reading, line by line.
class PlaylistParser {
 public:
  Parsed run(std::string_view text);

 private:
  enum class Of : uint8_t { both, media, multivariant };
  using Take = void (PlaylistParser::*)(std::string_view value);
  struct TagRule {
    std::string_view name;
    Of of;
    bool once;
    bool attributes;  // its value is an attribute list: attributes_ before `take` is called
    Take take;
  };
  static const TagRule kTags[];

  void find(HlsRule rule, std::string what);
  void line(std::string_view text);
  void tag(std::string_view text);
  void uri(std::string_view text);
  void end_segment(std::string_view text);
  void finish();
  void needs(uint64_t version, const char* what);
  // A number for `target`, or a finding.
  void number(std::string_view value, const char* tag, uint64_t most, uint64_t& target);
  void before_parts(const char* tag);
  std::optional<ByteRange> placed(const WrittenRange& written, const std::string& uri, bool of_part);

  void take_nothing(std::string_view) {}
  void take_version(std::string_view value);
  void take_independent(std::string_view) { independent_ = true; }
  void take_define(std::string_view value);
  void take_target(std::string_view value);
  void take_media_sequence(std::string_view value);
  void take_discontinuity_sequence(std::string_view value);
  void take_endlist(std::string_view) { media_.ended = true; }
  void take_type(std::string_view value);
  void take_iframes_only(std::string_view value);
  void take_part_inf(std::string_view value);
  void take_server_control(std::string_view value);
  void take_extinf(std::string_view value);
  void take_byterange(std::string_view value);
  void take_discontinuity(std::string_view value);
  void take_key(std::string_view value);
  void take_map(std::string_view value);
  void take_date(std::string_view value);
  void take_gap(std::string_view) { media_.open.gap = true; }
  void take_bitrate(std::string_view value);
  void take_part(std::string_view value);
  void take_skip(std::string_view value);
  void take_hint(std::string_view value);
  void take_report(std::string_view value);
  void take_media(std::string_view value);
  void take_stream_inf(std::string_view value);
  void take_iframe_stream_inf(std::string_view value);
  Variant variant();

  Findings findings_;
  MediaPlaylist media_;
  MultivariantPlaylist multivariant_;
  size_t line_ = 0;
  Attributes attributes_;
  std::set<std::string_view> seen_;
  bool media_tags_ = false, multivariant_tags_ = false;
  uint64_t version_ = 1, needed_version_ = 1;
  std::string needs_version_for_;
  bool independent_ = false;
  // Of the segment that is being read: media_.open, and
  bool has_extinf_ = false;
  std::optional<WrittenRange> range_;
  uint64_t discontinuities_ = 0;  // so far
  std::optional<uint64_t> bitrate_;
  // Where a range without offset begins: in which resource, at which byte.
  std::string ranged_uri_, ranged_part_uri_;
  uint64_t range_end_ = 0, part_range_end_ = 0;
  bool map_seen_ = false;
  std::optional<Variant> variant_;  // waits for its URI
};

}  // namespace headgate::conformance

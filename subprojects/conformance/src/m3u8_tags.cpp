// SPDX-License-Identifier: LGPL-2.1-or-later
// What each tag says.
#include "m3u8_parser.h"

namespace headgate::conformance {
namespace {

std::vector<std::string> words(std::string_view list) {
  std::vector<std::string> out;
  while (true) {
    const size_t comma = list.find(',');
    std::string_view word = list.substr(0, comma);
    while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
    if (!word.empty()) out.emplace_back(word);
    if (comma == list.npos) return out;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

using P = PlaylistParser;
// clang-format off
const P::TagRule P::kTags[] = {
    {"EXTM3U", Of::both, true, false, &P::take_nothing},
    {"EXT-X-VERSION", Of::both, true, false, &P::take_version},
    {"EXT-X-INDEPENDENT-SEGMENTS", Of::both, true, false, &P::take_independent},
    {"EXT-X-START", Of::both, true, true, &P::take_nothing},
    {"EXT-X-DEFINE", Of::both, false, true, &P::take_define},
    {"EXT-X-TARGETDURATION", Of::media, true, false, &P::take_target},
    {"EXT-X-MEDIA-SEQUENCE", Of::media, true, false, &P::take_media_sequence},
    {"EXT-X-DISCONTINUITY-SEQUENCE", Of::media, true, false, &P::take_discontinuity_sequence},
    {"EXT-X-ENDLIST", Of::media, true, false, &P::take_endlist},
    {"EXT-X-PLAYLIST-TYPE", Of::media, true, false, &P::take_type},
    {"EXT-X-I-FRAMES-ONLY", Of::media, true, false, &P::take_iframes_only},
    {"EXT-X-PART-INF", Of::media, true, true, &P::take_part_inf},
    {"EXT-X-SERVER-CONTROL", Of::media, true, true, &P::take_server_control},
    {"EXTINF", Of::media, false, false, &P::take_extinf},
    {"EXT-X-BYTERANGE", Of::media, false, false, &P::take_byterange},
    {"EXT-X-DISCONTINUITY", Of::media, false, false, &P::take_discontinuity},
    {"EXT-X-KEY", Of::media, false, true, &P::take_key},
    {"EXT-X-MAP", Of::media, false, true, &P::take_map},
    {"EXT-X-PROGRAM-DATE-TIME", Of::media, false, false, &P::take_date},
    {"EXT-X-GAP", Of::media, false, false, &P::take_gap},
    {"EXT-X-BITRATE", Of::media, false, false, &P::take_bitrate},
    {"EXT-X-PART", Of::media, false, true, &P::take_part},
    {"EXT-X-DATERANGE", Of::media, false, true, &P::take_nothing},
    {"EXT-X-SKIP", Of::media, true, true, &P::take_skip},
    {"EXT-X-PRELOAD-HINT", Of::media, false, true, &P::take_hint},
    {"EXT-X-RENDITION-REPORT", Of::media, false, true, &P::take_report},
    {"EXT-X-MEDIA", Of::multivariant, false, true, &P::take_media},
    {"EXT-X-STREAM-INF", Of::multivariant, false, true, &P::take_stream_inf},
    {"EXT-X-I-FRAME-STREAM-INF", Of::multivariant, false, true, &P::take_iframe_stream_inf},
    {"EXT-X-SESSION-DATA", Of::multivariant, false, true, &P::take_nothing},
    {"EXT-X-SESSION-KEY", Of::multivariant, false, true, &P::take_nothing},
    {"EXT-X-CONTENT-STEERING", Of::multivariant, true, true, &P::take_nothing},
    {"", Of::both, false, false, nullptr},
};
// clang-format on

void P::number(std::string_view value, const char* tag, uint64_t most, uint64_t& target) {
  auto read = read_integer(value);
  if (read && *read <= most) {
    target = *read;
  } else {
    find("tag-value",
         std::string(tag) + " is '" + std::string(value.substr(0, 40)) + "', expected a decimal integer");
  }
}

void P::take_version(std::string_view value) {
  number(value, "EXT-X-VERSION", 1'000'000, version_);
}

void P::take_define(std::string_view) {
  needs(attributes_.find("QUERYPARAM") ? 11 : 8, "EXT-X-DEFINE");
  find("define", "EXT-X-DEFINE: URIs and strings are read as they stand");
}

void P::take_target(std::string_view value) {
  number(value, "EXT-X-TARGETDURATION", kMaxSeconds, media_.target_s);
}

void P::take_media_sequence(std::string_view value) {
  number(value, "EXT-X-MEDIA-SEQUENCE", kMaxSequence, media_.media_sequence);
  if (!media_.segments.empty() || has_extinf_ || !media_.open.parts.empty())
    find("tag-order", "EXT-X-MEDIA-SEQUENCE stands behind a segment");
}

void P::take_discontinuity_sequence(std::string_view value) {
  number(value, "EXT-X-DISCONTINUITY-SEQUENCE", kMaxSequence, media_.discontinuity_sequence);
  if (!media_.segments.empty() || has_extinf_ || discontinuities_ > 0)
    find("tag-order", "EXT-X-DISCONTINUITY-SEQUENCE stands behind a segment or an EXT-X-DISCONTINUITY");
}

void P::take_type(std::string_view value) {
  media_.type = value == "VOD"     ? PlaylistType::vod
                : value == "EVENT" ? PlaylistType::event
                                   : PlaylistType::none;
  if (media_.type == PlaylistType::none)
    find("tag-value",
         "EXT-X-PLAYLIST-TYPE is '" + std::string(value.substr(0, 40)) + "', expected EVENT or VOD");
}

void P::take_iframes_only(std::string_view) {
  media_.iframes_only = true;
  needs(4, "EXT-X-I-FRAMES-ONLY");
}

void P::take_part_inf(std::string_view) {
  media_.part_target = attributes_.decimal("PART-TARGET");
}

void P::take_server_control(std::string_view) {
  media_.control = ServerControl{line_,
                                 attributes_.decimal("HOLD-BACK"),
                                 attributes_.decimal("PART-HOLD-BACK"),
                                 attributes_.decimal("CAN-SKIP-UNTIL"),
                                 attributes_.yes("CAN-BLOCK-RELOAD"),
                                 attributes_.yes("CAN-SKIP-DATERANGES")};
}

void P::take_extinf(std::string_view value) {
  if (has_extinf_) find("uri-missing", "two EXTINF, and no URI between");
  has_extinf_ = true;
  const size_t comma = value.find(',');
  const std::string_view text = value.substr(0, comma);
  auto duration = read_decimal(text);
  if (!duration || comma == value.npos)
    find("tag-value", "EXTINF is '" + std::string(value.substr(0, 40)) + "', expected seconds and a comma");
  if (text.find('.') != text.npos) needs(3, "a fraction in EXTINF");
  media_.open.duration = duration.value_or(0);
  media_.open.line = line_;
}

void P::take_byterange(std::string_view value) {
  range_ = read_range(value);
  if (!range_) find("tag-value", "EXT-X-BYTERANGE is '" + std::string(value.substr(0, 40)) + "'");
  needs(4, "EXT-X-BYTERANGE");
}

void P::before_parts(const char* tag) {
  if (!media_.open.parts.empty())
    find("part-tags", std::string(tag) + " stands behind a part of its segment");
}

void P::take_discontinuity(std::string_view) {
  before_parts("EXT-X-DISCONTINUITY");
  media_.open.discontinuous = true;
  media_.open.discontinuity = ++discontinuities_;
}

void P::take_key(std::string_view) {
  before_parts("EXT-X-KEY");
  media_.open.encrypted = !attributes_.is("METHOD", "NONE");
  if (attributes_.find("IV")) needs(2, "the IV of EXT-X-KEY");
  if (attributes_.is("METHOD", "SAMPLE-AES")) needs(5, "METHOD=SAMPLE-AES");
  if (attributes_.find("KEYFORMAT") || attributes_.find("KEYFORMATVERSIONS")) needs(5, "KEYFORMAT");
  if (media_.open.encrypted && !attributes_.find("URI")) find("attribute-missing", "EXT-X-KEY has no URI");
}

void P::take_map(std::string_view) {
  before_parts("EXT-X-MAP");
  map_seen_ = true;
  Resource map{attributes_.text("URI").value_or(""), std::nullopt};
  if (const Attribute* range = attributes_.find("BYTERANGE")) {
    auto written = read_range(range->value);
    if (written && !written->offset) find("attribute-type", "EXT-X-MAP: BYTERANGE has no offset");
    if (written) map.range = ByteRange{written->length, written->offset.value_or(0)};
  }
  media_.open.map = std::move(map);
}

void P::take_date(std::string_view value) {
  before_parts("EXT-X-PROGRAM-DATE-TIME");
  auto date = read_date(value);
  if (!date)
    return find("tag-value",
                "EXT-X-PROGRAM-DATE-TIME is '" + std::string(value.substr(0, 40)) + "', expected ISO 8601");
  if (!date->zone || !date->milliseconds)
    find("date-form", "'" + std::string(value) + "' has no " + (date->zone ? "milliseconds" : "time zone"));
  media_.open.date = date->utc;
}

void P::take_bitrate(std::string_view value) {
  uint64_t rate = 0;
  number(value, "EXT-X-BITRATE", kMaxSequence, rate);
  bitrate_ = rate;
}

void P::take_part(std::string_view) {
  Part part;
  part.line = line_;
  part.resource.uri = attributes_.text("URI").value_or("");
  part.duration = attributes_.decimal("DURATION").value_or(0);
  part.independent = attributes_.yes("INDEPENDENT");
  part.gap = attributes_.yes("GAP");
  if (const Attribute* range = attributes_.find("BYTERANGE")) {
    if (auto written = read_range(range->value))
      part.resource.range = placed(*written, part.resource.uri, true);
    ranged_part_uri_ = part.resource.uri;
  }
  if (media_.open.parts.empty()) media_.open.line = line_;
  media_.open.parts.push_back(std::move(part));
}

void P::take_skip(std::string_view) {
  const bool dates = attributes_.find("RECENTLY-REMOVED-DATERANGES") != nullptr;
  needs(dates ? 10 : 9, "EXT-X-SKIP");
  media_.skipped = attributes_.integer("SKIPPED-SEGMENTS").value_or(0);
  if (*media_.skipped > kMaxSequence) {
    find("tag-value", "EXT-X-SKIP skips more segments than there can be");
    media_.skipped = 0;
  }
  if (!media_.segments.empty() || has_extinf_) find("tag-order", "EXT-X-SKIP stands behind a segment");
}

void P::take_hint(std::string_view) {
  const bool map = attributes_.is("TYPE", "MAP");
  // Other types are for other readers (6.3.8).
  if (!map && !attributes_.is("TYPE", "PART")) return;
  const bool ranged = attributes_.find("BYTERANGE-START") || attributes_.find("BYTERANGE-LENGTH");
  media_.hints.push_back({line_, map, ranged, attributes_.text("URI").value_or("")});
}

void P::take_report(std::string_view) {
  media_.reports.push_back({line_, attributes_.text("URI").value_or(""), attributes_.integer("LAST-MSN"),
                            attributes_.integer("LAST-PART")});
}

void P::take_media(std::string_view) {
  Rendition one;
  one.line = line_;
  one.type = attributes_.text("TYPE").value_or("");
  one.group = attributes_.text("GROUP-ID").value_or("");
  one.name = attributes_.text("NAME").value_or("");
  one.language = attributes_.text("LANGUAGE").value_or("");
  one.uri = attributes_.text("URI");
  one.channels = attributes_.text("CHANNELS");
  one.instream_id = attributes_.text("INSTREAM-ID");
  one.is_default = attributes_.yes("DEFAULT");
  one.forced = attributes_.find("FORCED") != nullptr;
  one.audio_only_attributes =
      one.channels || attributes_.find("BIT-DEPTH") != nullptr || attributes_.find("SAMPLE-RATE") != nullptr;
  if (attributes_.find("AUTOSELECT")) one.autoselect = attributes_.yes("AUTOSELECT");
  if (one.instream_id && one.type == "CLOSED-CAPTIONS" && one.instream_id->substr(0, 7) == "SERVICE")
    needs(7, "INSTREAM-ID=SERVICE…");
  multivariant_.renditions.push_back(std::move(one));
}

Variant P::variant() {
  Variant one;
  one.line = line_;
  one.bandwidth = attributes_.integer("BANDWIDTH").value_or(0);
  one.average = attributes_.integer("AVERAGE-BANDWIDTH");
  if (auto codecs = attributes_.text("CODECS")) one.codecs = words(*codecs);
  if (const Attribute* size = attributes_.find("RESOLUTION")) one.resolution = read_resolution(size->value);
  one.frame_rate = attributes_.decimal("FRAME-RATE");
  if (const Attribute* range = attributes_.find("VIDEO-RANGE")) one.range = range->value;
  one.audio = attributes_.text("AUDIO");
  one.video = attributes_.text("VIDEO");
  one.subtitles = attributes_.text("SUBTITLES");
  if (const Attribute* captions = attributes_.find("CLOSED-CAPTIONS")) {
    one.captions_none = !captions->quoted;
    if (captions->quoted) one.captions = std::string(captions->value);
  }
  if (attributes_.any_begins("REQ-")) needs(12, "an attribute REQ-…");
  return one;
}

void P::take_stream_inf(std::string_view) {
  if (variant_) find("uri-missing", "two EXT-X-STREAM-INF, and no URI between");
  variant_ = variant();
}

void P::take_iframe_stream_inf(std::string_view) {
  Variant one = variant();
  one.iframes = true;
  one.uri = attributes_.text("URI").value_or("");
  multivariant_.variants.push_back(std::move(one));
}

}  // namespace headgate::conformance

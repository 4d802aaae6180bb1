// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/hls_playlist.h>

#include <charconv>
#include <chrono>

namespace headgate::load {
namespace {

template <typename T>
bool read_number(std::string_view text, T& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// The attribute's value without its quotes; commas inside quotes do not divide (4.2).
std::optional<std::string> attribute(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    size_t equals = list.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    std::string_view key = list.substr(0, equals);
    list.remove_prefix(equals + 1);
    bool quoted = list.starts_with('"');
    size_t end = quoted ? list.find('"', 1) : list.find(',');
    if (quoted && end == std::string_view::npos) return std::nullopt;
    std::string_view value = quoted ? list.substr(1, end - 1) : list.substr(0, end);
    if (key == name) return std::string(value);
    size_t comma = list.find(',', quoted ? end : 0);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return std::nullopt;
}

// Takes lines one after the other.
class Parser {
 public:
  Result<void> line(std::string_view text) {
    if (text.empty()) return {};
    if (!text.starts_with('#')) return uri(text);
    auto value = [&](std::string_view tag) -> std::optional<std::string_view> {
      if (!text.starts_with(tag)) return std::nullopt;
      return text.substr(tag.size());
    };
    if (auto list = value("#EXT-X-STREAM-INF:")) {
      bandwidth_ = 0;
      if (!read_number(attribute(*list, "BANDWIDTH").value_or(""), *bandwidth_))
        return Unexpected("EXT-X-STREAM-INF without a BANDWIDTH");
    } else if (auto seconds = value("#EXTINF:")) {
      duration_ = 0;
      if (!read_number(seconds->substr(0, seconds->find(',')), *duration_))
        return Unexpected("EXTINF without a duration");
    } else if (auto target = value("#EXT-X-TARGETDURATION:")) {
      if (!read_number(*target, out.target_s)) return Unexpected("EXT-X-TARGETDURATION is not a number");
    } else if (auto sequence = value("#EXT-X-MEDIA-SEQUENCE:")) {
      if (!read_number(*sequence, out.media_sequence))
        return Unexpected("EXT-X-MEDIA-SEQUENCE is not a number");
    } else if (auto map = value("#EXT-X-MAP:")) {
      auto map_uri = attribute(*map, "URI");
      if (!map_uri || attribute(*map, "BYTERANGE")) return Unexpected("an EXT-X-MAP that is no whole file");
      map_ = *map_uri;
    } else if (auto date = value("#EXT-X-PROGRAM-DATE-TIME:")) {
      clock_ = parse_date_time(*date);
      if (!clock_) return Unexpected("EXT-X-PROGRAM-DATE-TIME is not a time");
    } else if (text.starts_with("#EXT-X-BYTERANGE")) {
      return Unexpected("EXT-X-BYTERANGE is not supported");
    } else if (text == "#EXT-X-GAP") {
      gap_ = true;
    } else if (text == "#EXT-X-DISCONTINUITY") {
      clock_.reset();
    } else if (text == "#EXT-X-ENDLIST") {
      out.ended = true;
    }
    return {};
  }

  HlsPlaylist out;

 private:
  Result<void> uri(std::string_view text) {
    if (bandwidth_) {
      out.variants.push_back({std::string(text), *bandwidth_});
      bandwidth_.reset();
      return {};
    }
    if (!duration_) return Unexpected("a URI without EXTINF");
    out.segments.push_back({std::string(text), *duration_, gap_, map_, clock_});
    if (clock_) clock_ = *clock_ + static_cast<int64_t>(*duration_ * 1e6);
    duration_.reset();
    gap_ = false;
    return {};
  }

  std::optional<uint64_t> bandwidth_;
  std::optional<double> duration_;
  std::optional<int64_t> clock_;
  std::string map_;
  bool gap_ = false;
};

}  // namespace

double HlsPlaylist::duration_s() const {
  double sum = 0;
  for (const HlsSegment& segment : segments) sum += segment.duration_s;
  return sum;
}

Result<HlsPlaylist> parse_hls(std::string_view text) {
  if (!text.starts_with("#EXTM3U")) return Unexpected("not a playlist: it does not begin with #EXTM3U");
  Parser parser;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (auto taken = parser.line(line); !taken) return Unexpected(taken.error());
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (parser.out.variants.empty() && parser.out.target_s <= 0)
    return Unexpected("neither variants nor EXT-X-TARGETDURATION");
  return std::move(parser.out);
}

std::optional<int64_t> parse_date_time(std::string_view text) {
  auto field = [&](size_t at, size_t count, int& out) {
    return text.size() >= at + count && read_number(text.substr(at, count), out);
  };
  int year, month, day, hour, minute, second;
  if (!field(0, 4, year) || !field(5, 2, month) || !field(8, 2, day) || !field(11, 2, hour) ||
      !field(14, 2, minute) || !field(17, 2, second))
    return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  int64_t us = std::chrono::sys_days(date).time_since_epoch().count() * int64_t{86'400};
  us = (us + hour * 3600 + minute * 60 + second) * 1'000'000;
  size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    int64_t unit = 100'000;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
      us += (text[at] - '0') * unit;
  }
  std::string_view zone = text.substr(at);
  if (zone == "Z") return us;
  int zone_hour, zone_minute;
  if (zone.size() < 5 || (zone[0] != '+' && zone[0] != '-') || !read_number(zone.substr(1, 2), zone_hour) ||
      !read_number(zone.substr(zone.size() - 2), zone_minute))
    return std::nullopt;
  int64_t offset = (zone_hour * 3600 + zone_minute * 60) * int64_t{1'000'000};
  return zone[0] == '+' ? us - offset : us + offset;
}

std::optional<std::string> resolve_path(std::string_view authority, std::string_view base_path,
                                        std::string_view uri) {
  constexpr std::string_view kHttp = "http://";
  if (uri.starts_with(kHttp)) {
    uri.remove_prefix(kHttp.size());
    if (!uri.starts_with(authority)) return std::nullopt;
    uri.remove_prefix(authority.size());
    if (!uri.starts_with('/')) return std::nullopt;
    return std::string(uri);
  }
  if (uri.find("://") < uri.find_first_of("/?")) return std::nullopt;
  if (uri.starts_with('/')) return std::string(uri);
  std::string_view folder = base_path.substr(0, base_path.find('?'));
  folder = folder.substr(0, folder.rfind('/') + 1);
  while (uri.starts_with("../") && folder.size() > 1) {
    uri.remove_prefix(3);
    folder.remove_suffix(1);
    folder = folder.substr(0, folder.rfind('/') + 1);
  }
  return std::string(folder) + std::string(uri);
}

}  // namespace headgate::load

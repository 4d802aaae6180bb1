// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/answer_rules.h>
#include <check/url.h>

#include <charconv>
#include <optional>

namespace headgate::check {
namespace {

using conformance::Findings;

constexpr size_t kWorthCompressing = 1024;

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// "max-age=N" of Cache-Control (RFC 9111, 5.2.2.1).
std::optional<int64_t> max_age(const std::string& cache_control) {
  constexpr std::string_view kName = "max-age=";
  const size_t at = cache_control.find(kName);
  if (at == std::string::npos) return std::nullopt;
  int64_t seconds = 0;
  const char* begin = cache_control.data() + at + kName.size();
  auto end = std::from_chars(begin, cache_control.data() + cache_control.size(), seconds);
  if (end.ec != std::errc()) return std::nullopt;
  return seconds;
}

bool has(const std::string& list, const char* word) {
  return list.find(word) != std::string::npos;
}

}  // namespace

Findings check_playlist_answer(const Answer& answer) {
  Findings findings;
  const std::string path = without_query(answer.url);
  const bool by_type = answer.type == "application/vnd.apple.mpegurl" || answer.type == "audio/mpegurl" ||
                       answer.type == "application/x-mpegurl" || answer.type == "audio/x-mpegurl";
  if (!by_type && !ends_with(path, ".m3u8") && !ends_with(path, ".m3u"))
    add(findings, "playlist-type", 0, path + " is sent as '" + answer.type + "'");
  if (answer.encoding.empty() && answer.body.size() > kWorthCompressing)
    add(findings, "gzip", 0, std::to_string(answer.body.size()) + " bytes were sent as they are");
  return findings;
}

Findings check_live_caching(const Answer& answer, conformance::Micros target) {
  Findings findings;
  const auto age = max_age(answer.cache_control);
  const bool held = has(answer.cache_control, "no-cache") || has(answer.cache_control, "no-store");
  if (!held && !age && !answer.has_expires)
    add(findings, "cache-playlist", 0, "nothing is said of caching");
  else if (!held && age && *age * conformance::kSecond * 2 > target)
    add(findings, "cache-playlist", 0, "Cache-Control: " + answer.cache_control);
  return findings;
}

Findings check_media_answer(const Answer& answer) {
  Findings findings;
  if (answer.type.compare(0, 6, "video/") != 0 && answer.type.compare(0, 6, "audio/") != 0)
    add(findings, "media-type", 0, "a segment is sent as '" + answer.type + "'");
  if (answer.cache_control.empty() && !answer.has_expires)
    add(findings, "cache-segment", 0, "a segment says neither Cache-Control nor Expires");
  return findings;
}

}  // namespace headgate::check

// SPDX-License-Identifier: LGPL-2.1-or-later
// A stranger's MPD, and another after it: behind the first byte 0.
#include <cstdint>
#include <cstdlib>

#include <base/bytes.h>
#include <conformance/mpd_history.h>

using namespace headgate;
using namespace headgate::conformance;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

ParsedMpd read(std::string_view text) {
  ParsedMpd parsed = parse_mpd(text);
  require(parsed.findings.size() <= kMaxFindings);
  require(parsed.mpd || !parsed.findings.empty());
  if (!parsed.mpd) return parsed;
  for (const MpdPeriod& period : parsed.mpd->periods)
    for (const MpdSet& set : period.sets)
      for (const MpdRepresentation& one : set.representations) {
        require(one.timescale > 0 && one.segments.size() <= kMaxMpdSegments);
        constexpr Micros kNow = 1'800'000'000 * kSecond;
        const auto available = available_segments(*parsed.mpd, period, one, kNow);
        require(available.size() <= kMaxMpdSegments);
        if (!available.empty()) one.media_url(available.back());
        one.init_url();
      }
  return parsed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const size_t between = text.find('\0');
  const ParsedMpd first = read(text.substr(0, between));
  if (between == text.npos || !first.mpd) return 0;
  const ParsedMpd second = read(text.substr(between + 1));
  if (!second.mpd) return 0;
  MpdHistory history;
  require(history.observe(*first.mpd, {0, 0, false}).empty());
  require(history.observe(*second.mpd, {60 * kSecond, 60 * kSecond, false}).size() <= kMaxFindings);
  return 0;
}

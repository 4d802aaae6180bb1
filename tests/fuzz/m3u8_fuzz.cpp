// SPDX-License-Identifier: LGPL-2.1-or-later
// A stranger's playlist, and another after it: behind the first line that reads "##".
#include <cstdint>
#include <cstdlib>

#include <base/bytes.h>
#include <conformance/playlist_history.h>
#include <conformance/playlist_rules.h>

using namespace headgate;
using namespace headgate::conformance;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

Parsed read(std::string_view text) {
  Parsed parsed = parse_playlist(text);
  require(!parsed.media || !parsed.multivariant);
  require(parsed.findings.size() <= kMaxFindings);
  if (parsed.multivariant) require(check_multivariant_playlist(*parsed.multivariant).size() <= kMaxFindings);
  if (!parsed.media) return parsed;
  const MediaPlaylist& media = *parsed.media;
  require(check_media_playlist(media).size() <= kMaxFindings);
  uint64_t msn = media.media_sequence + media.skipped.value_or(0);
  for (const Segment& segment : media.segments) {
    require(segment.msn == msn++ && media.find(segment.msn) == &segment);
    require(segment.duration >= 0);
  }
  require(media.next_msn() == msn);
  if (auto last = media.last()) require(last->msn <= msn && media.reaches({last->msn, last->part}) == true);
  return parsed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const size_t between = text.find("\n##\n");
  const Parsed first = read(text.substr(0, between));
  if (between == text.npos || !first.media) return 0;
  const Parsed second = read(text.substr(between + 4));
  if (!second.media) return 0;
  PlaylistHistory history;
  require(history.observe(*first.media, {0, 0, false}).empty());
  require(history.observe(*second.media, {10 * kSecond, 10 * kSecond, false}).size() <= kMaxFindings);
  if (auto merged = merge(*first.media, *second.media)) {
    require(merged->segments.size() == *second.media->skipped + second.media->segments.size());
    check_delta(*second.media, *merged, *first.media);
  }
  return 0;
}

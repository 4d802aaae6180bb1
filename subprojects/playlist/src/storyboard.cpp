// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/storyboard.h>

#include <cstdio>

namespace headgate::playlist {
namespace {

// hours:minutes:seconds.milliseconds (WebVTT, 4.1).
std::string timestamp(int64_t ticks) {
  const int64_t ms = ticks * 1000 / kTimescale;
  char text[48];
  std::snprintf(text, sizeof text, "%02lld:%02d:%02d.%03d", static_cast<long long>(ms / 3'600'000),
                static_cast<int>(ms / 60'000 % 60), static_cast<int>(ms / 1000 % 60),
                static_cast<int>(ms % 1000));
  return text;
}

}  // namespace

std::string picture_uri(uint64_t msn) {
  return std::to_string(msn) + ".jpg";
}

std::string storyboard(const StreamIndex& pictures, const std::string& prefix) {
  std::string out = "WEBVTT\n";
  int64_t at = 0;
  for (const Segment& segment : pictures.segments()) {
    const int64_t end = at + segment.record.duration;
    if (segment.record.length > 0)
      out += "\n" + timestamp(at) + " --> " + timestamp(end) + "\n" + prefix +
             picture_uri(segment.record.msn) + "\n";
    at = end;
  }
  return out;
}

}  // namespace headgate::playlist

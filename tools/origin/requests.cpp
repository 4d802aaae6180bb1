// SPDX-License-Identifier: LGPL-2.1-or-later
#include "requests.h"

#include <base/json_line.h>

#include <algorithm>

namespace headgate::origin {
namespace {

constexpr const char* kStatusNames[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

bool is_media(RequestClass kind) {
  return kind == RequestClass::playlist || kind == RequestClass::segment || kind == RequestClass::part;
}

// "123.4.m4s", "v123.4.m4s": of a segment's number, a part's.
bool names_part(std::string_view name) {
  return std::count(name.begin(), name.end(), '.') == 2;
}

RequestClass class_of_media(std::string_view name) {
  const size_t dot = name.rfind('.');
  const std::string_view end = dot == name.npos ? "" : name.substr(dot);
  if (end == ".m4s") return names_part(name) ? RequestClass::part : RequestClass::segment;
  if (end == ".mp4" || end == ".jpg") return RequestClass::segment;
  if (end == ".m3u8" || end == ".mpd" || end == ".vtt" || name == "time") return RequestClass::playlist;
  return RequestClass::other;
}

}  // namespace

const char* name_of(RequestClass kind) {
  static constexpr const char* kNames[kRequestClasses] = {"playlist", "segment", "part",
                                                          "page",     "api",     "other"};
  return kNames[static_cast<size_t>(kind)];
}

RequestClass class_of(std::string_view path) {
  if (path.starts_with("/hls/") || path.starts_with("/dash/"))
    return class_of_media(path.substr(path.rfind('/') + 1));
  if (path.starts_with("/api/") || path == "/healthz") return RequestClass::api;
  if (path == "/" || path.starts_with("/watch/") || path.starts_with("/assets/")) return RequestClass::page;
  return RequestClass::other;
}

void Requests::answered(RequestClass kind, unsigned status, int64_t us, bool waited) {
  Counts& counts = counts_[static_cast<size_t>(kind)];
  ++counts.answers[std::clamp<size_t>(status / 100, 1, kStatusClasses) - 1];
  if (waited)
    ++counts.waited;
  else
    counts.durations.add(us);
}

void Requests::asked(RequestClass kind, int descriptor, int64_t now_us) {
  if (!is_media(kind) || descriptor < 0) return;
  const auto at = static_cast<size_t>(descriptor);
  if (at >= asked_us_.size()) asked_us_.resize(at + 1);
  asked_us_[at] = now_us;
}

size_t Requests::viewers(int64_t now_us) const {
  return static_cast<size_t>(std::count_if(asked_us_.begin(), asked_us_.end(), [now_us](int64_t us) {
    return us > 0 && now_us - us < kViewerUs;
  }));
}

std::string Requests::json() const {
  JsonLine out;
  for (size_t kind = 0; kind < kRequestClasses; ++kind) {
    const Counts& counts = counts_[kind];
    if (std::all_of(counts.answers.begin(), counts.answers.end(), [](uint64_t one) { return one == 0; }))
      continue;
    JsonLine line;
    for (size_t status = 0; status < kStatusClasses; ++status)
      line.field(kStatusNames[status], counts.answers[status]);
    line.field("sent_bytes", counts.sent_bytes)
        .field("waited", counts.waited)
        .raw("durations", histogram_json(counts.durations));
    out.raw(name_of(static_cast<RequestClass>(kind)), line.take());
  }
  return out.take();
}

}  // namespace headgate::origin

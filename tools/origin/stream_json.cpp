// SPDX-License-Identifier: LGPL-2.1-or-later
// A stream as docs/api.md has it.
#include <base/json_line.h>
#include <common/utc.h>
#include <feed/media_feed.h>

#include "pictures.h"
#include "stream.h"

namespace headgate::origin {
namespace {

const char* state_name(State state) {
  switch (state) {
    case State::live:
      return "live";
    case State::waiting:
      return "waiting";
    case State::ended:
      break;
  }
  return "ended";
}

// A field that is null when it is not known.
class Nullable {
 public:
  explicit Nullable(JsonLine& line) : line_(line) {}
  void number(const char* key, std::optional<int64_t> value) {
    value ? line_.field(key, *value) : line_.raw(key, "null");
  }
  void text(const char* key, const std::string& value) {
    value.empty() ? line_.raw(key, "null") : line_.field(key, value);
  }
  void time(const char* key, std::optional<int64_t> utc_us) {
    text(key, utc_us ? tools::utc_text(*utc_us) : "");
  }

 private:
  JsonLine& line_;
};

std::optional<int64_t> positive(int64_t value) {
  return value > 0 ? std::optional(value) : std::nullopt;
}

const char* rendition_state(const playlist::RenditionIndex& one) {
  if (!one.told()) return one.writing() ? "running" : "ended";
  switch (one.told()->state) {
    case playlist::RenditionState::idle:
      return "idle";
    case playlist::RenditionState::running:
      return "running";
    case playlist::RenditionState::paused:
      break;
  }
  return "paused";
}

std::string rendition_json(const std::string& name, const playlist::RenditionIndex& one,
                           const std::string& base) {
  const playlist::InitRecord* init = one.index().newest_init();
  const auto& told = one.told();
  JsonLine line;
  line.field("name", name).field("state", rendition_state(one));
  Nullable nullable(line);
  nullable.number("width", positive(init ? init->width : told ? told->width : 0));
  nullable.number("height", positive(init ? init->height : told ? told->height : 0));
  const uint32_t measured = one.index().average_bandwidth();
  nullable.number("kbps", positive((measured > 0 ? measured : told ? told->average_bandwidth : 0) / 1000));
  nullable.text("codecs", init ? init->codecs : told ? told->codecs : "");
  line.field("hls", base + name + "/media.m3u8");
  return line.take();
}

}  // namespace

std::string Stream::json() const {
  JsonLine line;
  put_public(line);
  return line.take();
}

std::string Stream::node_json() const {
  JsonLine line;
  put_public(line);
  Nullable(line).text("peer", session_ ? session_->peer : "");
  return line.take();
}

void Stream::put_public(JsonLine& line) const {
  const playlist::InitRecord* init = index_.newest_init();
  std::string base = "/hls/" + std::to_string(station_) + "/";
  Nullable nullable(line);
  line.field("station", station_).field("event", event_);
  line.field("state", state_name(state_));
  nullable.time("since_utc", since_utc_us_);
  const bool whole = totals_.whole;
  nullable.time("first_utc", whole ? totals_.first_utc_us : std::nullopt);
  nullable.time("last_media_utc", totals_.last_media_utc_us);
  if (whole)
    line.field("duration_s", static_cast<double>(totals_.duration) / playlist::kTimescale);
  else
    line.raw("duration_s", "null");
  nullable.number("kbps", kbps());
  nullable.number("width", init ? positive(init->width) : std::nullopt);
  nullable.number("height", init ? positive(init->height) : std::nullopt);
  if (session_ && frame_rate_milli_ > 0)
    line.field("fps", frame_rate_milli_ / 1000.0);
  else
    line.raw("fps", "null");
  nullable.text("codecs", init ? init->codecs : "");
  auto count = [whole](uint64_t value) {
    return whole ? std::optional(static_cast<int64_t>(value)) : std::nullopt;
  };
  nullable.number("gaps", count(totals_.gaps));
  nullable.number("sessions", count(totals_.runs + (session_ && !session_has_run_ ? 1 : 0)));
  nullable.text("protocol", session_ ? session_->protocol : "");
  line.raw("health", health_.empty() ? "null" : health_);
  line.field("hls", base + "index.m3u8");
  std::string renditions = "[";
  for (const auto& [name, one] : renditions_)
    if (name != kPictures && (one->live.told() || one->live.has_media()))
      renditions += (renditions.size() > 1 ? "," : "") + rendition_json(name, one->live, base);
  const bool alone = renditions == "[";
  nullable.text("replay",
                index_.segments().empty() ? "" : base + (alone ? "replay.m3u8" : "replay-index.m3u8"));
  line.raw("renditions", renditions + "]");
  const bool pictured = newest_picture(*this) != nullptr;
  nullable.text("pictures", pictured ? base + kPictures + "/media.m3u8" : "");
  nullable.text("poster", pictured || poster_ || can_be_pictured() ? base + "poster.jpg" : "");
}

std::string Stream::session_json() const {
  if (!session_) return "";
  JsonLine line;
  line.field("session", std::to_string(session_->session))  // beyond what a double holds
      .field("event", event_)
      .field("station", station_)
      .raw("worker", tools::is_pipeline(worker_) ? "null" : std::to_string(worker_))
      .field("peer", session_->peer)
      .field("protocol", session_->protocol)
      .field("user_agent", session_->user_agent)
      .field("since_utc", tools::utc_text(session_->since_utc_us))
      .field("received_bytes", received_bytes_);
  Nullable(line).number("kbps", kbps());
  return line.take();
}

}  // namespace headgate::origin

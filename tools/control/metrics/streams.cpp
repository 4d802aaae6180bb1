// SPDX-License-Identifier: LGPL-2.1-or-later
// What NODE says of its streams: how many are in which state, and only if wanted which ones.
#include <algorithm>
#include <map>

#include <health/conditions.h>

#include "node.h"

namespace headgate::metrics {
namespace {

constexpr const auto& kAlarms = health::kConditions;

// Whether a condition holds for the stream, or one of its tracks.
bool holds(const Json& health, const char* name) {
  bool any = health.truth(name);
  health.each("streams", [&](const Json& track) { any = any || track.truth(name); });
  return any;
}

// Seconds, of the track that is furthest behind.
std::optional<double> lateness(const Json& health) {
  std::optional<double> out;
  health.each("streams", [&](const Json& track) {
    if (const auto ns = track.at("lateness").as_number()) out = std::max(out.value_or(0), *ns / 1e9);
  });
  return out;
}

// Seconds; of an SRT publisher's link.
std::optional<double> round_trip(const Json& health) {
  const auto us = health.at("srt").at("rtt-us").as_number();
  return us ? std::optional(*us / 1e6) : std::nullopt;
}

void of_link(Text& text, const std::pair<const char*, std::string_view>& own, const Json& health) {
  if (const auto seconds = round_trip(health)) text.add(Id::station_srt_rtt, {own}, *seconds);
  const Json& link = health.at("srt");
  add_count(text, Id::station_srt_lost, {own}, link, "lost-share");
  add_count(text, Id::station_srt_dropped, {own}, link, "dropped-share");
  if (const double kbps = link.number("bandwidth-kbps", 0); kbps > 0)
    text.add(Id::station_srt_bandwidth, {own}, static_cast<int64_t>(kbps * 1000 / 8));
}

void of_station(Text& text, const Json& stream, bool live, std::optional<double> late) {
  const auto number = stream.at("station").as_number();
  if (!number) return;
  const std::string station = std::to_string(static_cast<int64_t>(*number));
  const std::pair<const char*, std::string_view> own{"station", station};
  text.add(Id::station_live, {own}, int64_t{live});
  add_count(text, Id::station_gaps, {own}, stream, "gaps");
  if (!live) return;
  if (const auto kbps = stream.at("kbps").as_number())
    text.add(Id::station_byte_rate, {own}, static_cast<int64_t>(*kbps * 1000 / 8));
  add_count(text, Id::station_frame_rate, {own}, stream, "fps");
  if (late) text.add(Id::station_lateness, {own}, *late);
  of_link(text, own, stream.at("health"));
}

void sessions(Text& text, const Json& node) {
  std::map<std::string, int64_t> by_protocol{{"rtmp", 0}, {"rtmps", 0}, {"srt", 0}};
  if (!has_list(node, "sessions")) return;
  node.each("sessions", [&](const Json& one) { ++by_protocol[one.text("protocol")]; });
  for (const auto& [protocol, count] : by_protocol) text.add(Id::sessions, {{"protocol", protocol}}, count);
}

}  // namespace

void streams(Text& text, const Json& node, bool per_stream) {
  if (!has_list(node, "streams")) return;
  sessions(text, node);
  std::map<std::string, int64_t> states{{"live", 0}, {"waiting", 0}, {"ended", 0}},
      renditions{{"running", 0}, {"paused", 0}, {"idle", 0}, {"ended", 0}};
  std::array<int64_t, kAlarms.size()> alarms{};
  double latest = 0, longest = 0;
  node.each("streams", [&](const Json& stream) {
    const std::string state = stream.text("state");
    const bool live = state == "live";
    ++states[state];
    const Json& health = stream.at("health");
    const std::optional<double> late = live ? lateness(health) : std::nullopt;
    if (per_stream) of_station(text, stream, live, late);
    if (!live) return;
    latest = std::max(latest, late.value_or(0));
    longest = std::max(longest, round_trip(health).value_or(0));
    for (size_t kind = 0; kind < kAlarms.size(); ++kind) alarms[kind] += holds(health, kAlarms[kind].name);
    stream.each("renditions", [&](const Json& one) { ++renditions[one.text("state")]; });
  });
  for (const auto& [state, count] : states) text.add(Id::streams, {{"state", state}}, count);
  for (size_t kind = 0; kind < kAlarms.size(); ++kind)
    text.add(Id::alarms, {{"kind", kAlarms[kind].name}}, alarms[kind]);
  text.add(Id::lateness_max, {}, latest);
  text.add(Id::srt_rtt_max, {}, longest);
  for (const auto& [state, count] : renditions) text.add(Id::renditions, {{"state", state}}, count);
}

}  // namespace headgate::metrics

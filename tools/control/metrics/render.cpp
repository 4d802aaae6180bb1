// SPDX-License-Identifier: LGPL-2.1-or-later
#include "render.h"

#include "node.h"

namespace headgate::metrics {
namespace {

void volume(Text& text, const Json& node) {
  const Json& space = node.at("space");
  add_count(text, Id::archive_free, {}, space, "free_bytes");
  add_count(text, Id::archive_size, {}, space, "total_bytes");
  add_state(text, Id::archive_space, {"good", "low", "full"}, space.text("state"));
  const Json& recovery = node.at("recovery");
  add_state(text, Id::recovery, {"running", "done", "failed"}, recovery.text("state"));
  add_count(text, Id::recovery_stations, {{"progress", "done"}}, recovery, "stations");
  add_count(text, Id::recovery_stations, {{"progress", "all"}}, recovery, "of");
}

void rungs(Text& text, const Json& of_node) {
  constexpr double kMega = 1e6;
  add_count(text, Id::rungs, {{"state", "running"}}, of_node, "running");
  add_count(text, Id::rungs, {{"state", "paused"}}, of_node, "paused");
  if (const auto pixels = of_node.at("mpixels").as_number()) text.add(Id::rung_pixels, {}, *pixels * kMega);
  if (const auto most = of_node.at("max_mpixels").as_number())
    text.add(Id::rung_pixels_max, {}, *most * kMega);
  add_count(text, Id::rungs_started, {}, of_node, "started");
  add_count(text, Id::rungs_refused, {}, of_node, "refused");
  add_count(text, Id::rungs_made_way, {}, of_node, "made_way");
}

// What the supervisor and control itself say.
void of_node(Text& text, const Json& node) {
  const std::string version = node.text("version");
  if (!version.empty()) text.add(Id::build_info, {{"version", version}}, int64_t{1});
  if (const auto since = unix_time_in(node, "since_utc")) text.add(Id::node_start_time, {}, *since);
  if (const std::string state = node.at("pipelines").text("state"); !state.empty())
    text.add(Id::pipelines_good, {}, int64_t{state == "good"});
  if (const Json& keys = node.at("keys"); keys.is_object())
    text.add(Id::keys_good, {}, int64_t{keys.text("problem").empty()});
  const Json& clock = node.at("clock");
  add_truth(text, Id::clock_synchronised, {}, clock, "synchronised");
  add_micros(text, Id::clock_error, {}, clock, "estimated_error_us");
  add_micros(text, Id::clock_max_error, {}, clock, "max_error_us");
  add_count(text, Id::clock_steps, {}, clock, "steps");
  const Json& events = node.at("events");
  for (const char* severity : {"info", "warning", "error"})
    add_count(text, Id::events, {{"severity", severity}}, events, severity);
}

}  // namespace

std::string render(const std::string& node_text, const Options& options) {
  const Json node = Json::object_of(node_text);
  if (!node.is_object()) return "";
  Text text;
  of_node(text, node);
  processes(text, node);
  streams(text, node, options.per_stream);
  policy(text, node);
  own_pipelines(text, node);
  volume(text, node);
  rungs(text, node.at("rungs"));
  return text.take(options.format);
}

}  // namespace headgate::metrics

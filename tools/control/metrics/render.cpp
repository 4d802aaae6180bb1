// SPDX-License-Identifier: LGPL-2.1-or-later
#include "render.h"

#include <memory>

#include "node.h"

namespace headgate::metrics {
namespace {

struct NodeUnref {
  void operator()(JsonNode* node) const { json_node_unref(node); }
};

void volume(Text& text, JsonObject* node) {
  JsonObject* space = object_in(node, "space");
  add_count(text, Id::archive_free, {}, space, "free_bytes");
  add_count(text, Id::archive_size, {}, space, "total_bytes");
  add_state(text, Id::archive_space, {"good", "low", "full"}, text_in(space, "state"));
  JsonObject* recovery = object_in(node, "recovery");
  add_state(text, Id::recovery, {"running", "done", "failed"}, text_in(recovery, "state"));
  add_count(text, Id::recovery_stations, {{"progress", "done"}}, recovery, "stations");
  add_count(text, Id::recovery_stations, {{"progress", "all"}}, recovery, "of");
}

void rungs(Text& text, JsonObject* of_node) {
  constexpr double kMega = 1e6;
  add_count(text, Id::rungs, {{"state", "running"}}, of_node, "running");
  add_count(text, Id::rungs, {{"state", "paused"}}, of_node, "paused");
  if (const auto pixels = number_in(of_node, "mpixels")) text.add(Id::rung_pixels, {}, *pixels * kMega);
  if (const auto most = number_in(of_node, "max_mpixels")) text.add(Id::rung_pixels_max, {}, *most * kMega);
  add_count(text, Id::rungs_started, {}, of_node, "started");
  add_count(text, Id::rungs_refused, {}, of_node, "refused");
  add_count(text, Id::rungs_made_way, {}, of_node, "made_way");
}

// What the supervisor and control itself say.
void of_node(Text& text, JsonObject* node) {
  const std::string version = text_in(node, "version");
  if (!version.empty()) text.add(Id::build_info, {{"version", version}}, int64_t{1});
  if (const auto since = unix_time_in(node, "since_utc")) text.add(Id::node_start_time, {}, *since);
  if (const std::string state = text_in(object_in(node, "pipelines"), "state"); !state.empty())
    text.add(Id::pipelines_good, {}, int64_t{state == "good"});
  JsonObject* clock = object_in(node, "clock");
  add_truth(text, Id::clock_synchronised, {}, clock, "synchronised");
  add_micros(text, Id::clock_error, {}, clock, "estimated_error_us");
  add_micros(text, Id::clock_max_error, {}, clock, "max_error_us");
  add_count(text, Id::clock_steps, {}, clock, "steps");
  JsonObject* events = object_in(node, "events");
  for (const char* severity : {"info", "warning", "error"})
    add_count(text, Id::events, {{"severity", severity}}, events, severity);
}

}  // namespace

std::string render(const std::string& node_text, const Options& options) {
  const std::unique_ptr<JsonNode, NodeUnref> root(json_from_string(node_text.c_str(), nullptr));
  if (!root || !JSON_NODE_HOLDS_OBJECT(root.get())) return "";
  JsonObject* node = json_node_get_object(root.get());
  Text text;
  of_node(text, node);
  processes(text, node);
  streams(text, node, options.per_stream);
  policy(text, node);
  own_pipelines(text, node);
  volume(text, node);
  rungs(text, object_in(node, "rungs"));
  return text.take(options.format);
}

}  // namespace headgate::metrics

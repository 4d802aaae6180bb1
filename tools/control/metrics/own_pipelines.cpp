// SPDX-License-Identifier: LGPL-2.1-or-later
// Pipelines that the node runs by itself: how each fares, what its process uses.
#include <map>

#include "node.h"

namespace headgate::metrics {
namespace {

constexpr const char* kStates[] = {"running", "starting", "scheduled", "backing-off",
                                   "ended",   "given-up", "refused"};

// What NODE's processes say that they use, by process id.
std::map<int64_t, JsonObject*> uses(JsonObject* node) {
  std::map<int64_t, JsonObject*> out;
  each_in(node, "processes", [&](JsonObject* one) {
    JsonObject* used = object_in(object_in(one, "stats"), "usage");
    if (const auto pid = number_in(one, "pid"); pid && used) out[static_cast<int64_t>(*pid)] = used;
  });
  return out;
}

}  // namespace

void own_pipelines(Text& text, JsonObject* node) {
  const auto used = uses(node);
  each_in(node, "instances", [&](JsonObject* one) {
    const std::string name = text_in(one, "instance"), state = text_in(one, "state");
    if (name.empty()) return;
    const std::pair<const char*, std::string_view> own{"name", name};
    for (const char* each : kStates) text.add(Id::own_state, {own, {"state", each}}, int64_t{state == each});
    add_count(text, Id::own_restarts, {own}, one, "restarts");
    if (const auto next = unix_time_in(one, "next_start_utc")) text.add(Id::own_next_start, {own}, *next);
    const auto found = used.find(static_cast<int64_t>(number_in(one, "pid").value_or(0)));
    if (found == used.end()) return;
    add_micros(text, Id::own_cpu, {own}, found->second, "cpu_us");
    add_count(text, Id::own_resident, {own}, found->second, "resident_bytes");
  });
}

}  // namespace headgate::metrics

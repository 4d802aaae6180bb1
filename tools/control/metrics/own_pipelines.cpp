// SPDX-License-Identifier: LGPL-2.1-or-later
// Pipelines that the node runs by itself: how each fares, what its process uses.
#include <map>

#include "node.h"

namespace headgate::metrics {
namespace {

constexpr const char* kStates[] = {"running", "starting", "scheduled", "backing-off",
                                   "ended",   "given-up", "refused"};

// What NODE's processes say that they use, by process id.
std::map<int64_t, const Json*> uses(const Json& node) {
  std::map<int64_t, const Json*> out;
  node.each("processes", [&](const Json& one) {
    const Json& used = one.at("stats").at("usage");
    if (const auto pid = one.at("pid").as_number(); pid && used.is_object())
      out[static_cast<int64_t>(*pid)] = &used;
  });
  return out;
}

}  // namespace

void own_pipelines(Text& text, const Json& node) {
  const auto used = uses(node);
  node.each("instances", [&](const Json& one) {
    const std::string name = one.text("instance"), state = one.text("state");
    if (name.empty()) return;
    const std::pair<const char*, std::string_view> own{"name", name};
    for (const char* each : kStates) text.add(Id::own_state, {own, {"state", each}}, int64_t{state == each});
    add_count(text, Id::own_restarts, {own}, one, "restarts");
    if (const auto next = unix_time_in(one, "next_start_utc")) text.add(Id::own_next_start, {own}, *next);
    const auto found = used.find(static_cast<int64_t>(one.number("pid", 0)));
    if (found == used.end()) return;
    add_micros(text, Id::own_cpu, {own}, *found->second, "cpu_us");
    add_count(text, Id::own_resident, {own}, *found->second, "resident_bytes");
  });
}

}  // namespace headgate::metrics

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "upgrade_report.h"

#include <base/io.h>
#include <base/json_line.h>
#include <common/utc.h>
#include <json-glib/json-glib.h>

#include <array>
#include <cstring>
#include <memory>
#include <utility>

namespace headgate::serve {
namespace {

using State = UpgradeReport::State;
using ProcessState = UpgradeReport::Process::State;

constexpr size_t kMaxFile = 1 << 20;
constexpr std::array kStates = {std::pair(State::none, "none"),       std::pair(State::checking, "checking"),
                                std::pair(State::running, "running"), std::pair(State::done, "done"),
                                std::pair(State::refused, "refused"), std::pair(State::failed, "failed")};
constexpr std::array kProcessStates = {
    std::pair(ProcessState::kept, "kept"),     std::pair(ProcessState::starting, "starting"),
    std::pair(ProcessState::serves, "serves"), std::pair(ProcessState::retiring, "retiring"),
    std::pair(ProcessState::ended, "ended"),   std::pair(ProcessState::failed, "failed")};

template <typename Table, typename Value>
const char* name_in(const Table& table, Value value) {
  for (const auto& [one, name] : table)
    if (one == value) return name;
  return "";
}

template <typename Table, typename Value>
bool value_in(const Table& table, const char* text, Value& out) {
  for (const auto& [one, name] : table)
    if (std::strcmp(name, text) == 0) {
      out = one;
      return true;
    }
  return false;
}

struct NodeFree {
  void operator()(JsonNode* node) const { json_node_unref(node); }
};

const char* text_of(JsonObject* object, const char* name) {
  return json_object_get_string_member_with_default(object, name, "");
}

int64_t number_of(JsonObject* object, const char* name) {
  return json_object_get_int_member_with_default(object, name, 0);
}

}  // namespace

const char* name_of(State state) {
  return name_in(kStates, state);
}

const char* name_of(ProcessState state) {
  return name_in(kProcessStates, state);
}

std::string UpgradeReport::json() const {
  std::string list;
  for (const Process& one : processes) {
    JsonLine line;
    line.field("name", one.name).field("pid", one.pid).field("was", one.was);
    line.field("state", name_of(one.state)).field("sessions", one.sessions);
    list += (list.empty() ? "" : ",") + line.take();
  }
  JsonLine out;
  out.field("pid", pid).field("number", number).field("state", name_of(state));
  if (!reason.empty()) out.field("reason", reason);
  out.field("version", version);
  if (since_utc_us != 0) out.field("since_utc", tools::utc_text(since_utc_us));
  if (trial_s > 0) out.field("trial_at_most_s", trial_s);
  return out.raw("processes", "[" + list + "]").take();
}

Result<UpgradeReport> read_upgrade_report(const std::string& path) {
  auto bytes = read_file(path, kMaxFile);
  if (!bytes) return Unexpected(bytes.error());
  const std::string text(as_text(*bytes));
  std::unique_ptr<JsonNode, NodeFree> root(json_from_string(text.c_str(), nullptr));
  if (!root || !JSON_NODE_HOLDS_OBJECT(root.get())) return Unexpected(path + ": is no JSON object");
  JsonObject* object = json_node_get_object(root.get());
  UpgradeReport out;
  out.pid = static_cast<int>(number_of(object, "pid"));
  out.number = static_cast<uint64_t>(number_of(object, "number"));
  out.trial_s = number_of(object, "trial_at_most_s");
  out.reason = text_of(object, "reason");
  out.version = text_of(object, "version");
  if (!value_in(kStates, text_of(object, "state"), out.state)) return Unexpected(path + ": unknown state");
  JsonArray* list = json_object_has_member(object, "processes")
                        ? json_object_get_array_member(object, "processes")
                        : nullptr;
  for (guint i = 0; list && i < json_array_get_length(list); ++i) {
    JsonObject* one = json_array_get_object_element(list, i);
    UpgradeReport::Process process;
    process.name = text_of(one, "name");
    process.pid = static_cast<int>(number_of(one, "pid"));
    process.was = static_cast<int>(number_of(one, "was"));
    process.sessions = number_of(one, "sessions");
    if (!value_in(kProcessStates, text_of(one, "state"), process.state))
      return Unexpected(path + ": unknown state of a process");
    out.processes.push_back(std::move(process));
  }
  return out;
}

}  // namespace headgate::serve

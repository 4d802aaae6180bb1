// SPDX-License-Identifier: LGPL-2.1-or-later
#include "upgrade_report.h"

#include <base/io.h>
#include <base/json.h>
#include <base/json_line.h>
#include <common/utc.h>

#include <array>
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
bool value_in(const Table& table, const std::string& text, Value& out) {
  for (const auto& [one, name] : table)
    if (name == text) {
      out = one;
      return true;
    }
  return false;
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
  const Json json = Json::object_of(as_text(*bytes));
  if (!json.is_object()) return Unexpected(path + ": is no JSON object");
  UpgradeReport out;
  out.pid = static_cast<int>(json.integer("pid"));
  out.number = static_cast<uint64_t>(json.integer("number"));
  out.trial_s = json.integer("trial_at_most_s");
  out.reason = json.text("reason");
  out.version = json.text("version");
  if (!value_in(kStates, json.text("state"), out.state)) return Unexpected(path + ": unknown state");
  for (const Json& one : json.at("processes").items()) {
    UpgradeReport::Process process;
    process.name = one.text("name");
    process.pid = static_cast<int>(one.integer("pid"));
    process.was = static_cast<int>(one.integer("was"));
    process.sessions = one.integer("sessions");
    if (!value_in(kProcessStates, one.text("state"), process.state))
      return Unexpected(path + ": unknown state of a process");
    out.processes.push_back(std::move(process));
  }
  return out;
}

}  // namespace headgate::serve

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "children.h"

#include <common/socket_watch.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace headgate::serve {
namespace {

constexpr char kSocketEnd[] = ".sock";
constexpr std::string_view kWorkerFront = "worker-";
constexpr int kMaxWorkerNumber = 9999;
constexpr std::array kOnly = {"gate", "origin", "control"};  // of which a node has one each

int64_t silent_ms(const std::string& role) {
  return std::find(kOnly.begin(), kOnly.end(), role) != kOnly.end() ? kOnlySilentMs : kSilentMs;
}

std::string socket_name(const std::string& role, int number) {
  return (number < 0 ? role : role + "-" + std::to_string(number)) + kSocketEnd;
}

// "gate-aside-123.sock" -> "gate"; empty: another name.
std::string role_aside(const std::string& name) {
  for (const char* role : kOnly)
    if (name.starts_with(std::string(role) + tools::kAside) && name.ends_with(kSocketEnd)) return role;
  return "";
}

// "pipeline-NAME.sock": without the end; empty: not such a name. One connection's ("pipeline-NAME.3.sock") is
// its pipeline's.
std::string instance_role(const std::string& name) {
  const size_t dot = name.find('.');
  return name.starts_with(kInstanceFront) && dot != name.npos && name.substr(dot) == kSocketEnd
             ? name.substr(0, dot)
             : "";
}

// "worker-12.sock" -> 12; -1: not a worker's.
int worker_number(const std::string& name) {
  if (name.rfind(kWorkerFront, 0) != 0) return -1;
  int number = -1;
  auto [end, error] = std::from_chars(name.data() + kWorkerFront.size(), name.data() + name.size(), number);
  bool whole = error == std::errc() && std::string_view(end) == kSocketEnd;
  return whole && number >= 0 && number <= kMaxWorkerNumber ? number : -1;
}

}  // namespace

Children::Children(Loop& loop, std::string runtime_dir, ProgramOf program_of, Child::Events events)
    : loop_(loop),
      runtime_dir_(std::move(runtime_dir)),
      program_of_(std::move(program_of)),
      events_(std::move(events)) {}

Child& Children::place(const std::string& role, int number) {
  const std::string name = socket_name(role, number);
  auto& slot = children_[name];
  if (!slot) {
    Child::Place place{role, number, runtime_dir_ + "/" + name,
                       [this, role, number] { return program_of_(role, number); }, silent_ms(role)};
    slot = std::make_unique<Child>(loop_, std::move(place), events_);
  }
  return *slot;
}

void Children::on_name(const std::string& name) {
  auto known = children_.find(name);
  if (known != children_.end()) return known->second->socket_appeared();
  const int number = worker_number(name);
  const bool only = std::any_of(kOnly.begin(), kOnly.end(),
                                [&](const char* role) { return name == socket_name(role, -1); });
  const std::string aside = role_aside(name);
  const std::string instance = instance_role(name);
  if (number < 0 && !only && aside.empty() && instance.empty()) return;
  // A dead worker's socket makes no place: there may have been more of them once.
  if (!wire::Channel::connect(loop_, runtime_dir_ + "/" + name)) return;
  if (!aside.empty()) return take_aside(aside, name);
  if (!instance.empty()) return place(instance).socket_appeared();
  place(number < 0 ? name.substr(0, name.find('.')) : "worker", number).socket_appeared();
}

void Children::take_aside(const std::string& role, const std::string& name) {
  Child::Place place{role, -1, runtime_dir_ + "/" + name, [this, role] { return program_of_(role, -1); },
                     silent_ms(role)};
  auto& slot = children_[name];
  slot = std::make_unique<Child>(loop_, std::move(place), events_);
  slot->socket_appeared();
}

void Children::forget(const std::string& socket) {
  children_.erase(socket);
}

bool Children::has(const std::string& role, int number) const {
  return children_.count(socket_name(role, number)) != 0;
}

Child* Children::find(const std::string& socket) const {
  auto found = children_.find(socket);
  return found == children_.end() ? nullptr : found->second.get();
}

Result<Child*> Children::set_aside(const std::string& role) {
  auto found = children_.find(socket_name(role, -1));
  if (found == children_.end() || !found->second->running())
    return Unexpected("there is no " + role + " to replace");
  const std::string name = role + tools::kAside + std::to_string(found->second->pid()) + kSocketEnd;
  if (auto moved = found->second->move_to(runtime_dir_ + "/" + name); !moved)
    return Unexpected(moved.error());
  auto entry = children_.extract(found);
  entry.key() = name;
  return children_.insert(std::move(entry)).position->second.get();
}

Result<void> Children::put_back(Child& aside) {
  const std::string name = socket_name_of(aside), place = socket_name(aside.place().role, -1);
  children_.erase(place);  // whose process has ended
  if (auto moved = aside.move_to(runtime_dir_ + "/" + place); !moved) return moved;
  auto entry = children_.extract(name);
  entry.key() = place;
  children_.insert(std::move(entry));
  return {};
}

bool Children::is_aside(const Child& child) {
  return !role_aside(socket_name_of(child)).empty();
}

std::string socket_name_of(const Child& child) {
  const std::string& path = child.place().socket;
  return path.substr(path.rfind('/') + 1);
}

}  // namespace headgate::serve

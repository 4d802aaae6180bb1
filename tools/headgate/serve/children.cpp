// SPDX-License-Identifier: LGPL-2.1-or-later
#include "children.h"

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

std::string socket_name(const std::string& role, int number) {
  return (number < 0 ? role : role + "-" + std::to_string(number)) + kSocketEnd;
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
                       [this, role, number] { return program_of_(role, number); }};
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
  if (number < 0 && !only) return;
  // A dead worker's socket makes no place: there may have been more of them once.
  if (!wire::Channel::connect(loop_, runtime_dir_ + "/" + name)) return;
  place(number < 0 ? name.substr(0, name.find('.')) : "worker", number).socket_appeared();
}

void Children::forget(const std::string& role, int number) {
  children_.erase(socket_name(role, number));
}

}  // namespace headgate::serve

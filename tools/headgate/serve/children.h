// SPDX-License-Identifier: LGPL-2.1-or-later
// All places of a node that a process fills, by the name of its socket. A place is made when something is to
// be started there, or when a process of an earlier supervisor is found there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <base/loop.h>

#include "child.h"

namespace headgate::serve {

// Front of the role of a process that runs a pipeline of the node's own (instances.h).
inline constexpr char kInstanceFront[] = "pipeline-";

class Children {
 public:
  using ProgramOf = std::function<Program(const std::string& role, int number)>;

  Children(Loop& loop, std::string runtime_dir, ProgramOf program_of, Child::Events events);

  Child& place(const std::string& role, int number = -1);
  // A socket of this name is in the runtime folder.
  void on_name(const std::string& name);
  // One that has ended and is not to come again, by its socket's name; not from within its own call.
  void forget(const std::string& socket);
  bool has(const std::string& role, int number = -1) const;
  Child* find(const std::string& socket) const;  // by its name; null: none
  // The process of a place of which there is one, under another socket's name, so that the place can be
  // filled anew; and back into its place, which is empty.
  Result<Child*> set_aside(const std::string& role);
  Result<void> put_back(Child& aside);
  static bool is_aside(const Child& child);

  template <typename Do>
  void each(Do&& act) const {
    for (auto& [name, child] : children_) act(*child);
  }
  template <typename Do>
  void each_worker(Do&& act) const {
    for (auto& [name, child] : children_)
      if (child->place().number >= 0) act(*child);
  }
  // That in its place, and those that retire, which may let SRT's callers in for as long as they have the
  // ports.
  template <typename Do>
  void each_gate(Do&& act) const {
    for (auto& [name, child] : children_)
      if (child->place().role == "gate") act(*child);
  }
  template <typename Is>
  bool any(Is&& is) const {
    for (auto& [name, child] : children_)
      if (is(*child)) return true;
    return false;
  }

 private:
  void take_aside(const std::string& role, const std::string& name);

  Loop& loop_;
  const std::string runtime_dir_;
  const ProgramOf program_of_;
  const Child::Events events_;
  std::map<std::string, std::unique_ptr<Child>> children_;  // by socket name
};

// Without the folder: what Children knows it by.
std::string socket_name_of(const Child& child);

inline bool is_worker(const Child& child) {
  return child.place().number >= 0;
}

}  // namespace headgate::serve

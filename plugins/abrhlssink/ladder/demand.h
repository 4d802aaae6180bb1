// SPDX-License-Identifier: LGPL-2.1-or-later
// Which rungs are to be encoded: those that are active, and, where they are encoded on demand, those of them
// that somebody asked for not long ago.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace headgate::abrhlssink {

// Not thread-safe. Times in ns, growing.
class Demand {
 public:
  using Names = std::optional<std::set<std::string>>;  // nothing: all
  // `idle_ns` 0: not on demand.
  explicit Demand(int64_t idle_ns) : idle_ns_(idle_ns) {}
  void activate(Names names) { active_ = std::move(names); }
  void ask(const std::string& name, int64_t now_ns) { asked_ns_[name] = now_ns; }
  Names wanted(int64_t now_ns);
  // Somebody asked for this one, active or not.
  bool is_asked(const std::string& name, int64_t now_ns) const;

 private:
  int64_t idle_ns_;
  Names active_;
  std::map<std::string, int64_t> asked_ns_;
};

}  // namespace headgate::abrhlssink

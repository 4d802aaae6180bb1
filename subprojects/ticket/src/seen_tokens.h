// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: which Ws had a right signature. When a network comes back thousands of publishers
// do at once, and Ed25519 is most of what a ticket costs. Thread-safe.
#pragma once

#include <list>
#include <unordered_map>

#include <base/guarded.h>
#include <ticket/ticket.h>

namespace headgate::ticket {

class SeenTokens {
 public:
  // Beyond `capacity` the one not seen for longest is forgotten.
  explicit SeenTokens(size_t capacity) : capacity_(capacity) {}
  bool contains(const Ticket& ticket);
  void add(const Ticket& ticket);

 private:
  struct State {
    std::list<std::array<std::byte, kWireSize>> order;                        // last seen first
    std::unordered_map<std::string_view, decltype(order)::iterator> by_wire;  // views into `order`
  };
  const size_t capacity_;
  Guarded<State> state_;
};

}  // namespace headgate::ticket

// SPDX-License-Identifier: LGPL-2.1-or-later
// Which keys the gate holds tickets against, as it says itself each second; that they are others, or that the
// folder is wrong, are events. In the loop's thread.
#pragma once

#include <optional>
#include <string>

#include <wire/messages.h>

#include "node_events.h"

namespace headgate::serve {

// Of the gate's keys, for the next gate (NodeListeners::open_memory). Nobody else looks into it.
inline constexpr char kKeysMemory[] = "keys";

class GateKeys {
 public:
  explicit GateKeys(NodeEvents& events) : events_(events) {}

  // The status of the gate that has the place. True: json() says something else than before.
  bool told(const wire::Status& status);
  std::string json() const;  // NODE's `keys`; "null": no gate has said

 private:
  struct Keys {
    std::string kids, digest, problem;
    bool operator==(const Keys&) const = default;
  };
  NodeEvents& events_;
  std::optional<Keys> keys_;  // as they were told last
};

}  // namespace headgate::serve

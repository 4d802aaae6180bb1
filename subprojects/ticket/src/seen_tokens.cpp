// SPDX-License-Identifier: LGPL-2.1-or-later
#include "seen_tokens.h"

namespace headgate::ticket {

bool SeenTokens::contains(const Ticket& ticket) {
  auto state = state_.lock();
  auto found = state->by_wire.find(as_text(ticket.wire));
  if (found == state->by_wire.end()) return false;
  state->order.splice(state->order.begin(), state->order, found->second);
  return true;
}

void SeenTokens::add(const Ticket& ticket) {
  auto state = state_.lock();
  if (state->by_wire.contains(as_text(ticket.wire))) return;  // by another thread meanwhile
  state->order.push_front(ticket.wire);
  state->by_wire.emplace(as_text(state->order.front()), state->order.begin());
  if (state->order.size() <= capacity_) return;
  state->by_wire.erase(as_text(state->order.back()));
  state->order.pop_back();
}

}  // namespace headgate::ticket

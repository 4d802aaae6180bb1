// SPDX-License-Identifier: LGPL-2.1-or-later
#include "waiting_room.h"

namespace headgate::origin {

bool WaitingRoom::enter(const std::string& address) {
  if (now_ >= most_) return false;
  if (!address.empty()) {
    const auto found = of_address_.find(address);
    if (found != of_address_.end() && found->second * kLeftForOne >= most_ - now_) return false;
    ++of_address_[address];
  }
  ++now_;
  return true;
}

void WaitingRoom::leave(const std::string& address) {
  --now_;
  const auto found = of_address_.find(address);
  if (found != of_address_.end() && --found->second == 0) of_address_.erase(found);
}

}  // namespace headgate::origin

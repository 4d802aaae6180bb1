// SPDX-License-Identifier: LGPL-2.1-or-later
// How many requests wait for what is not there yet, on all streams together, and of one address; and how many
// listen to events. Each has a connection, and keeps it from others meanwhile. Loop's thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace headgate::origin {

// An address may have one for so many of the places that are left: each gets a third of what the others have
// left it, and somebody new finds a place as long as there is one.
inline constexpr size_t kLeftForOne = 2;

class WaitingRoom {
 public:
  explicit WaitingRoom(size_t most) : most_(most) {}
  // One more of this address (Answer::whose()); empty: the proxy's own, which has no part of its own. False:
  // the room is full, or the address has its part.
  bool enter(const std::string& address);
  size_t now() const { return now_; }
  // Who has entered.
  void leave(const std::string& address);

 private:
  const size_t most_;
  size_t now_ = 0;
  std::map<std::string, size_t> of_address_;  // those that are limited
};

}  // namespace headgate::origin

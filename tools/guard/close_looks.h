// SPDX-License-Identifier: LGPL-2.1-or-later
// What of a process takes long to find out: its share of memory that others have as well, and how many
// descriptors it has. For the former the kernel walks its page tables under a lock that the process itself
// may hold for as long as it likes, so this is looked at aside (looks.h).
#pragma once

#include <cstdint>
#include <utility>

#include <guard/looks.h>

namespace headgate::guard {

inline constexpr int64_t kCloseLookMs = 10'000;  // what is so old is looked at again

struct CloseLook {
  uint64_t proportional_bytes = 0;      // PSS; 0: not known
  int64_t open_fds = -1, max_fds = -1;  // -1: not known
  bool operator==(const CloseLook&) const = default;
};
// Now, in the calling thread, which may have to wait.
CloseLook look_closely(int pid);

// By process.
class CloseLooks : public Looks<int, CloseLook> {
 public:
  explicit CloseLooks(Look look = look_closely) : Looks(std::move(look), kCloseLookMs, "close-looks") {}
};

}  // namespace headgate::guard

// SPDX-License-Identifier: LGPL-2.1-or-later
// How much is free on a volume. One that does not answer (a server that is away, a disk that dies) holds up
// who asks for as long as it likes: it is asked aside (looks.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "guard.h"

namespace headgate::serve {

inline constexpr int64_t kSpaceAgeMs = 1000;  // what is so old is asked again

// Bytes on the folder's volume that may be written. Now, in the calling thread, which may have to wait; none:
// it cannot be known.
std::optional<double> free_bytes(const std::string& folder);

struct FreeSpace {
  double bytes = 0;
  int64_t age_ms = 0;  // since it was asked for
};
// As it was told last; `now_ms` never goes back. Whether it waits is its maker's to say. None: not told yet,
// or it could not be known.
using FreeOf = std::function<std::optional<FreeSpace>(const std::string& folder, int64_t now_ms)>;
// Never waits. For one thread.
FreeOf free_aside(Looks<std::string, std::optional<double>>::Look look = free_bytes);

}  // namespace headgate::serve

// SPDX-License-Identifier: LGPL-2.1-or-later
// Giving memory back. `vector = {}` does not: it assigns an empty list, and the room stays.
#pragma once

#include <cstddef>
#include <vector>

namespace headgate {

// Empties it; room for more than `kept` elements goes.
template <typename T>
void clear_keeping(std::vector<T>& items, size_t kept) {
  if (items.capacity() > kept)
    std::vector<T>().swap(items);
  else
    items.clear();
}

}  // namespace headgate

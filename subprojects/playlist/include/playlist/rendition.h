// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of a stream's renditions. Its source, as it was sent, has none.
#pragma once

#include <cstddef>
#include <string_view>

namespace headgate::playlist {

inline constexpr size_t kMaxRenditionBytes = 32;
inline constexpr size_t kMaxRenditions = 16;  // of one stream

// [a-z0-9_-]{1,32}: part of paths and file names.
bool valid_rendition(std::string_view name);

}  // namespace headgate::playlist

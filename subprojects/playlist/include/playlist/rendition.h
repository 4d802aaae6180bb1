// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of a stream's renditions. Its source, as it was sent, has none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headgate::playlist {

inline constexpr size_t kMaxRenditionBytes = 32;
inline constexpr size_t kMaxRenditions = 16;  // of one stream

// [a-z0-9_-]{1,32}: part of paths and file names.
bool valid_rendition(std::string_view name);

// Reserved: what stands in for the source while its publisher is away (store/fill.h), and for a rendition.
inline constexpr std::string_view kFill = "fill";
// "fill-<rendition>"; of the source, which has no name, kFill.
std::string fill_of(std::string_view rendition);
bool is_fill(std::string_view name);
// What a fill stands in for; empty: the source.
std::string_view filled_by(std::string_view fill);

}  // namespace headgate::playlist

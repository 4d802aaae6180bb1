// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/rendition.h>

namespace headgate::playlist {

bool valid_rendition(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  return !name.empty() && name.size() <= kMaxRenditionBytes &&
         name.find_first_not_of(kLetters) == std::string_view::npos;
}

}  // namespace headgate::playlist

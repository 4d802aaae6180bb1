// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/rendition.h>

namespace headgate::playlist {
namespace {

constexpr std::string_view kFillFront = "fill-";

}  // namespace

bool valid_rendition(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  return !name.empty() && name.size() <= kMaxRenditionBytes &&
         name.find_first_not_of(kLetters) == std::string_view::npos;
}

std::string fill_of(std::string_view rendition) {
  return rendition.empty() ? std::string(kFill) : std::string(kFillFront).append(rendition);
}

bool is_fill(std::string_view name) {
  return name == kFill || name.starts_with(kFillFront);
}

std::string_view filled_by(std::string_view fill) {
  return fill.starts_with(kFillFront) ? fill.substr(kFillFront.size()) : std::string_view();
}

}  // namespace headgate::playlist

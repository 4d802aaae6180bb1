// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/terminal_text.h>
#include <glib.h>

namespace headgate::tools {
namespace {

size_t columns_of(gunichar letter) {
  if (g_unichar_iszerowidth(letter)) return 0;
  return g_unichar_iswide(letter) ? 2 : 1;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const gunichar letter = g_utf8_get_char_validated(text.data(), static_cast<gssize>(text.size()));
    if (letter == static_cast<gunichar>(-1) || letter == static_cast<gunichar>(-2)) {
      out += '?';
      text.remove_prefix(1);
      continue;
    }
    const auto length = static_cast<size_t>(g_utf8_skip[static_cast<unsigned char>(text.front())]);
    // Marks that turn the line around (Cf) would let a name rewrite its neighbours.
    const bool control = g_unichar_iscntrl(letter) || g_unichar_type(letter) == G_UNICODE_FORMAT;
    control ? out += ' ' : out.append(text.substr(0, length));
    text.remove_prefix(length);
  }
  return out;
}

size_t width_of(std::string_view text) {
  size_t width = 0;
  for (const char *at = text.data(), *end = at + text.size(); at < end; at = g_utf8_next_char(at))
    width += columns_of(g_utf8_get_char(at));
  return width;
}

std::string padded(std::string text, size_t width) {
  const size_t taken = width_of(text);
  if (taken < width) text.append(width - taken, ' ');
  return text;
}

std::string fitted(std::string_view text, size_t width, bool right) {
  size_t taken = 0;
  const char* at = text.data();
  for (const char* end = at + text.size(); at < end; at = g_utf8_next_char(at)) {
    const size_t columns = columns_of(g_utf8_get_char(at));
    if (taken + columns > width) break;
    taken += columns;
  }
  std::string out(text.substr(0, static_cast<size_t>(at - text.data())));
  return right ? std::string(width - taken, ' ') + out : out + std::string(width - taken, ' ');
}

}  // namespace headgate::tools

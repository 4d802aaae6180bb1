// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/json_member.h>

namespace headgate {
namespace {

constexpr std::string_view kSpace = " \t\n\r";

void skip_space(std::string_view& text) {
  const size_t begin = text.find_first_not_of(kSpace);
  text.remove_prefix(begin == text.npos ? text.size() : begin);
}

bool skip(std::string_view& text, char c) {
  skip_space(text);
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// Behind its closing quote; npos: it has none.
size_t string_end(std::string_view text, size_t begin) {
  for (size_t at = begin + 1; at < text.size(); ++at) {
    if (text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      return at + 1;
  }
  return text.npos;
}

// Behind the value that the text begins with; npos: it does not end.
size_t value_end(std::string_view text) {
  int depth = 0;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at = string_end(text, at);
      if (at == text.npos || depth == 0) return at;
      continue;
    }
    if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      if (depth == 0) return at;  // of a number, by what it stands in
      if (--depth == 0) return at + 1;
    } else if (depth == 0 && (c == ',' || kSpace.find(c) != kSpace.npos)) {
      return at;
    }
    ++at;
  }
  return text.npos;
}

}  // namespace

std::optional<std::string_view> json_member(std::string_view object, std::string_view name) {
  std::string_view text = object;
  if (!skip(text, '{')) return std::nullopt;
  for (;;) {
    skip_space(text);
    if (!text.starts_with('"')) return std::nullopt;
    const size_t key_end = string_end(text, 0);
    if (key_end == text.npos) return std::nullopt;
    const std::string_view key = text.substr(1, key_end - 2);
    text.remove_prefix(key_end);
    if (!skip(text, ':')) return std::nullopt;
    skip_space(text);
    const size_t end = value_end(text);
    if (end == text.npos || end == 0) return std::nullopt;
    if (key == name) return text.substr(0, end);
    text.remove_prefix(end);
    if (!skip(text, ',')) return std::nullopt;
  }
}

}  // namespace headgate

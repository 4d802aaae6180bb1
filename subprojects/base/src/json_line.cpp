// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/json_line.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>

#include "utf8.h"

namespace headgate {
namespace {

// Takes one code point; malformed input loses one byte and yields U+FFFD.
uint32_t take_code_point(std::string_view& text) {
  uint32_t value = 0xfffd;
  const size_t length = read_utf8(text, value);
  text.remove_prefix(length > 0 ? length : 1);
  return value;
}

void append_escape(std::string& out, uint32_t unit) {
  char escape[7];
  std::snprintf(escape, sizeof escape, "\\u%04x", unit);
  out += escape;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    uint32_t c = take_code_point(text);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c >= 0x20 && c < 0x7f) {
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c < 0x10000) {
      append_escape(out, c);
    } else {
      append_escape(out, 0xd800 + ((c - 0x10000) >> 10));
      append_escape(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
    }
  }
  out += '"';
}

}  // namespace

JsonLine JsonLine::after(std::string_view object) {
  JsonLine out;
  if (object.size() > 2) out.out_ = object.substr(0, object.size() - 1);  // not "{}"
  return out;
}

void JsonLine::key(std::string_view key) {
  out_ += out_.empty() ? '{' : ',';
  append_quoted(out_, key);
  out_ += ':';
}

JsonLine& JsonLine::field(std::string_view name, std::string_view text) {
  key(name);
  append_quoted(out_, text);
  return *this;
}

JsonLine& JsonLine::field(std::string_view name, bool value) {
  return raw(name, value ? "true" : "false");
}

JsonLine& JsonLine::integer(std::string_view name, int64_t value) {
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, value);
  return raw(name, {digits, static_cast<size_t>(end.ptr - digits)});
}

JsonLine& JsonLine::field(std::string_view name, double value) {
  if (!std::isfinite(value)) return raw(name, "null");
  char digits[40];
  auto end = std::to_chars(digits, digits + sizeof digits, value);
  return raw(name, {digits, static_cast<size_t>(end.ptr - digits)});
}

JsonLine& JsonLine::raw(std::string_view name, std::string_view json) {
  key(name);
  out_ += json;
  return *this;
}

std::string JsonLine::take() {
  if (out_.empty()) out_ = "{";
  out_ += '}';
  return std::exchange(out_, {});
}

std::string JsonLine::quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

}  // namespace headgate

// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes one JSON object as one line of ASCII, keys in the order given, no white space: the archive's records
// and the logs are hashed as stored, so the writer decides the bytes. (base/json.h reads.)
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate {

class JsonLine {
 public:
  JsonLine() = default;
  // Goes on with an object that somebody has taken; empty: with none.
  static JsonLine after(std::string_view object);

  JsonLine& field(std::string_view key, std::string_view text);
  JsonLine& field(std::string_view key, const char* text) { return field(key, std::string_view(text)); }
  JsonLine& field(std::string_view key, bool value);
  template <std::integral T>
  JsonLine& field(std::string_view key, T value) {
    return integer(key, static_cast<int64_t>(value));
  }
  JsonLine& field(std::string_view key, double value);  // finite; shortest form that reads back the same
  // `json` goes in as it is: an array or an object that the caller has built.
  JsonLine& raw(std::string_view key, std::string_view json);
  // The whole object, without a newline. The writer is empty again.
  std::string take();

  // `text` as a JSON string with its quotes: invalid UTF-8 becomes U+FFFD, everything not ASCII a \u escape.
  static std::string quoted(std::string_view text);

 private:
  JsonLine& integer(std::string_view key, int64_t value);
  void key(std::string_view key);
  std::string out_;
};

}  // namespace headgate

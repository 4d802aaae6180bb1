// SPDX-License-Identifier: LGPL-2.1-or-later
// JSON (RFC 8259) with the place of every value, for files that people write: what is wrong with one is told
// by line. A key that stands twice in an object is refused, as is anything that is not UTF-8.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <base/result.h>

namespace headgate::pipeline {

inline constexpr int kMaxJsonDepth = 16;

struct JsonNode {
  enum class Kind { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  bool truth = false;             // of a boolean
  std::string text;               // of a string; a number as it stands
  std::vector<std::string> keys;  // of an object: one for each item
  std::vector<JsonNode> items;
  int line = 1, column = 1;

  const JsonNode* find(std::string_view key) const;  // of an object; null: it has none
  bool is(Kind other) const { return kind == other; }
};

// The error's text begins with "LINE:COLUMN: ".
Result<JsonNode> parse_json(std::string_view text);

}  // namespace headgate::pipeline

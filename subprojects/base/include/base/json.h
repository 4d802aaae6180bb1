// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads JSON (RFC 8259): what programs of a node tell one another, records, files that people write, what
// strangers send. Strict: a name that stands twice in an object, a comment, half a surrogate pair, \u0000 and
// anything that is not UTF-8 are refused. (base/json_line.h writes.)
//
// A value is read without trust: a member that is missing, or is of another type, is told as not there.
//
//   auto node = Json::parse(text);
//   if (!node) return Unexpected(path + ":" + node.error().message);
//   const int64_t pid = node->at("gate").integer("pid");
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <base/result.h>

namespace headgate {

inline constexpr size_t kMaxJsonBytes = 64 * 1024 * 1024;
inline constexpr int kMaxJsonDepth = 32;

// What a text may cost: it takes up to about a hundred times its bytes of memory, and a stack frame for each
// level. What strangers write is given less by whoever reads it.
struct JsonLimits {
  size_t bytes = kMaxJsonBytes;
  int depth = kMaxJsonDepth;  // the outermost value is at 1
};

// Of a value's first byte, both from 1; columns count bytes.
struct JsonPlace {
  int line = 1, column = 1;
};

// A value, which owns what is in it. What is returned by reference lives as long as the outermost value does
// unchanged. Different threads may read one at the same time.
class Json {
 public:
  enum class Kind : uint8_t { null, boolean, number, string, array, object };
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

  Json() = default;  // null
  // The error's text begins with "LINE:COLUMN: ".
  static Result<Json> parse(std::string_view text, const JsonLimits& limits = {});
  // The same where only an object is of use, and why there is none is not told: null then.
  static Json object_of(std::string_view text, const JsonLimits& limits = {});
  static Json array_of(std::vector<Json> items);

  // --- this value
  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_object() const { return kind_ == Kind::object; }
  JsonPlace place() const { return place_; }  // in the text that it was read from
  // Of a string its text (UTF-8, no NUL), of a number its digits as they stood; else empty.
  const std::string& token() const { return token_; }
  std::optional<std::string> as_text() const;
  std::optional<int64_t> as_integer() const;  // written as one: not 5.0, not 5e0, not beyond 64 bits
  std::optional<double> as_number() const;    // finite
  std::optional<bool> as_truth() const;
  const std::vector<Json>& items() const { return items_; }       // of an array or an object, in their order
  const std::vector<std::string>& keys() const { return keys_; }  // of an object: one for each item

  // --- a member, of an object
  const Json* find(std::string_view key) const;  // null pointer: there is none
  bool has(std::string_view key) const { return find(key) != nullptr; }
  const Json& at(std::string_view key) const;  // a null value: there is none
  // `otherwise` where it is not there, or is something else; at(key).as_…() tells these from what is.
  std::string text(std::string_view key, std::string_view otherwise = {}) const;
  int64_t integer(std::string_view key, int64_t otherwise = 0) const;
  double number(std::string_view key, double otherwise = kUnknown) const;
  bool truth(std::string_view key, bool otherwise = false) const;
  // Each object of an array, or the one object that is there without one.
  template <typename Visit>
  void each(std::string_view key, Visit visit) const {
    const Json& list = at(key);
    if (list.is_object()) return visit(list);
    if (!list.is(Kind::array)) return;
    for (const Json& one : list.items_)
      if (one.is_object()) visit(one);
  }

  // --- writing
  // Of an object: in the place of what had this key, or behind all others.
  void set(std::string_view key, Json value);
  // In one line without white space; numbers as they stood, text as UTF-8.
  std::string json() const;

 private:
  friend class JsonParser;
  void write(std::string& out) const;

  Kind kind_ = Kind::null;
  bool truth_ = false;
  JsonPlace place_;
  std::string token_;
  std::vector<std::string> keys_;
  std::vector<Json> items_;
};

}  // namespace headgate

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flat_json.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace headgate::ticket {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }
  std::optional<std::string> string() {
    if (!take('"')) return std::nullopt;
    size_t end = text_.find_first_of("\"\\\n", at_);
    if (end == text_.npos || text_[end] != '"') return std::nullopt;
    std::string value(text_.substr(at_, end - at_));
    at_ = end + 1;
    return value;
  }
  std::optional<uint64_t> integer() {
    skip_space();
    uint64_t value = 0;
    auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) return std::nullopt;
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }
  Unexpected error(const std::string& what) const {
    auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
    return Unexpected("line " + std::to_string(line) + ": " + what);
  }

 private:
  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<FlatJson> parse_flat_json(std::string_view text) {
  Scanner scanner(text);
  FlatJson object;
  if (!scanner.take('{')) return scanner.error("expected an object: {");
  bool more = !scanner.take('}');
  while (more) {
    auto key = scanner.string();
    if (!key) return scanner.error("expected a key in quotes");
    if (!scanner.take(':')) return scanner.error("expected ':' after \"" + *key + "\"");
    bool fresh = false;
    if (auto value = scanner.string())
      fresh = object.try_emplace(*key, std::move(*value)).second;
    else if (auto number = scanner.integer())
      fresh = object.try_emplace(*key, *number).second;
    else
      return scanner.error("the value of \"" + *key + "\" is neither a plain string nor a whole number");
    if (!fresh) return scanner.error("\"" + *key + "\" is there twice");
    more = scanner.take(',');
    if (!more && !scanner.take('}')) return scanner.error("expected ',' or '}' after \"" + *key + "\"");
  }
  if (!scanner.at_end()) return scanner.error("there is something after the object");
  return object;
}

}  // namespace headgate::ticket

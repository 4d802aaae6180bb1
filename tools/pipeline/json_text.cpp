// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>
#include <pipeline/json_text.h>

#include <algorithm>
#include <cstdint>

namespace headgate::pipeline {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<JsonNode> parse() {
    JsonNode out;
    if (value(out, 1)) {
      space();
      if (at_ == text_.size()) return out;
      fail("something stands behind the end of the JSON");
    }
    return Unexpected(error_);
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool at_end() const { return at_ >= text_.size(); }

  void step() {
    if (text_[at_++] == '\n') {
      ++line_;
      line_start_ = at_;
    }
  }

  void space() {
    while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')) step();
  }

  int column() const { return static_cast<int>(at_ - line_start_) + 1; }

  bool fail(const std::string& reason) {
    if (error_.empty()) error_ = std::to_string(line_) + ":" + std::to_string(column()) + ": " + reason;
    return false;
  }

  bool value(JsonNode& out, int depth) {
    space();
    out.line = line_;
    out.column = column();
    if (depth > kMaxJsonDepth) return fail("is nested more than " + std::to_string(kMaxJsonDepth) + " deep");
    if (at_end()) return fail("the file ends where a value is expected");
    switch (peek()) {
      case '{':
      case '[':
        return container(out, depth);
      case '"':
        out.kind = JsonNode::Kind::string;
        return string(out.text);
      case 't':
        out.kind = JsonNode::Kind::boolean;
        out.truth = true;
        return word("true");
      case 'f':
        out.kind = JsonNode::Kind::boolean;
        return word("false");
      case 'n':
        return word("null");
      default:
        out.kind = JsonNode::Kind::number;
        return number(out.text);
    }
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return fail("is not a JSON value");
    at_ += expected.size();
    return true;
  }

  bool digits() {
    if (!is_digit(peek())) return fail("is not a JSON value");
    while (is_digit(peek())) ++at_;
    return true;
  }

  bool number(std::string& out) {
    const size_t begin = at_;
    if (peek() == '-') ++at_;
    if (peek() == '0')
      ++at_;
    else if (!digits())
      return false;
    if (peek() == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return false;
    }
    out = text_.substr(begin, at_ - begin);
    return true;
  }

  // Four hexadecimal digits at at_; below 0: they are not.
  int32_t hex4() const {
    int32_t out = 0;
    for (size_t i = at_; i < at_ + 4; ++i) {
      const int digit = i < text_.size() ? g_ascii_xdigit_value(text_[i]) : -1;
      if (digit < 0) return -1;
      out = out * 16 + digit;
    }
    return out;
  }

  bool unicode(std::string& out) {  // behind \u
    int32_t code = hex4();
    if (code < 0) return fail("\\u wants four hexadecimal digits");
    at_ += 4;
    if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const int32_t low = hex4();
      if (low < 0xdc00 || low > 0xdfff) return fail("half of a surrogate pair");
      at_ += 4;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code >= 0xd800 && code < 0xe000) return fail("half of a surrogate pair");
    char utf8[6];
    out.append(utf8, static_cast<size_t>(g_unichar_to_utf8(static_cast<gunichar>(code), utf8)));
    return true;
  }

  bool string(std::string& out) {
    ++at_;
    for (;;) {
      if (at_end()) return fail("a string without its end");
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) return fail("a control character in a string");
      ++at_;
      if (c == '"') break;
      if (c != '\\') {
        out += c;
        continue;
      }
      static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
      const char escaped = peek();
      if (at_end()) return fail("a string without its end");
      ++at_;
      if (escaped == 'u') {
        if (!unicode(out)) return false;
      } else if (const size_t which = kFrom.find(escaped); which != kFrom.npos) {
        out += kTo[which];
      } else {
        return fail(std::string("\\") + (g_ascii_isprint(escaped) ? escaped : '?') +
                    " means nothing in JSON");
      }
    }
    if (!g_utf8_validate_len(out.data(), out.size(), nullptr)) return fail("is not UTF-8, or has a \\u0000");
    return true;
  }

  bool container(JsonNode& out, int depth) {
    const bool object = peek() == '{';
    const char end = object ? '}' : ']';
    out.kind = object ? JsonNode::Kind::object : JsonNode::Kind::array;
    step();
    space();
    if (peek() == end) return step(), true;
    for (;;) {
      space();
      if (object && !key(out)) return false;
      JsonNode item;
      if (!value(item, depth + 1)) return false;
      out.items.push_back(std::move(item));
      space();
      const char next = peek();
      if (next != ',' && next != end)
        return fail(object ? "expected , or } behind a value" : "expected , or ] behind a value");
      step();
      if (next == end) return true;
    }
  }

  bool key(JsonNode& out) {
    if (peek() != '"') return fail("expected a key in quotes");
    std::string name;
    if (!string(name)) return false;
    if (out.find(name)) return fail("\"" + name.substr(0, 64) + "\" stands twice in one object");
    out.keys.push_back(std::move(name));
    space();
    if (peek() != ':') return fail("expected : behind a key");
    step();
    return true;
  }

  std::string_view text_;
  size_t at_ = 0, line_start_ = 0;
  int line_ = 1;
  std::string error_;
};

}  // namespace

const JsonNode* JsonNode::find(std::string_view key) const {
  const auto found = std::find(keys.begin(), keys.end(), key);
  const size_t index = static_cast<size_t>(found - keys.begin());
  return index < items.size() ? &items[index] : nullptr;
}

Result<JsonNode> parse_json(std::string_view text) {
  return Parser(text).parse();
}

}  // namespace headgate::pipeline

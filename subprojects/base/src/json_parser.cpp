// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/json.h>

#include <algorithm>
#include <set>

#include "utf8.h"

namespace headgate {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Without a NUL, which ends texts elsewhere.
bool is_text(std::string_view text) {
  while (!text.empty()) {
    uint32_t code_point = 0;
    const size_t length = read_utf8(text, code_point);
    if (length == 0 || code_point == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// An object's keys so far. In a few of them one looks; among a stranger's hundred thousand that would take
// minutes.
class Names {
 public:
  // False: it is there.
  bool add(const std::vector<std::string>& before, const std::string& name) {
    constexpr size_t kFew = 16;
    if (before.size() < kFew) return std::find(before.begin(), before.end(), name) == before.end();
    if (many_.empty()) many_.insert(before.begin(), before.end());
    return many_.insert(name).second;
  }

 private:
  std::set<std::string> many_;
};

}  // namespace

class JsonParser {
 public:
  JsonParser(std::string_view text, const JsonLimits& limits) : text_(text), limits_(limits) {}

  Result<Json> parse() {
    Json out;
    if (text_.size() > limits_.bytes) {
      fail("is longer than " + std::to_string(limits_.bytes) + " bytes");
    } else if (value(out, 1)) {
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

  bool value(Json& out, int depth) {
    space();
    out.place_ = {line_, column()};
    if (depth > limits_.depth) return fail("is nested more than " + std::to_string(limits_.depth) + " deep");
    if (at_end()) return fail("the file ends where a value is expected");
    switch (peek()) {
      case '{':
      case '[':
        return container(out, depth);
      case '"':
        out.kind_ = Json::Kind::string;
        return string(out.token_);
      case 't':
        out.kind_ = Json::Kind::boolean;
        out.truth_ = true;
        return word("true");
      case 'f':
        out.kind_ = Json::Kind::boolean;
        return word("false");
      case 'n':
        return word("null");
      default:
        out.kind_ = Json::Kind::number;
        return number(out.token_);
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
      const int digit = i < text_.size() ? hex_digit(text_[i]) : -1;
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
    append_utf8(out, static_cast<uint32_t>(code));
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
        return fail(std::string("\\") + (escaped >= 0x20 && escaped < 0x7f ? escaped : '?') +
                    " means nothing in JSON");
      }
    }
    if (!is_text(out)) return fail("is not UTF-8, or has a \\u0000");
    return true;
  }

  bool container(Json& out, int depth) {
    const bool object = peek() == '{';
    const char end = object ? '}' : ']';
    out.kind_ = object ? Json::Kind::object : Json::Kind::array;
    step();
    space();
    if (peek() == end) return step(), true;
    Names names;
    for (;;) {
      space();
      if (object && !key(out, names)) return false;
      if (!value(out.items_.emplace_back(), depth + 1)) return false;
      space();
      const char next = peek();
      if (next != ',' && next != end)
        return fail(object ? "expected , or } behind a value" : "expected , or ] behind a value");
      step();
      if (next == end) return true;
    }
  }

  bool key(Json& out, Names& names) {
    if (peek() != '"') return fail("expected a key in quotes");
    std::string name;
    if (!string(name)) return false;
    if (!names.add(out.keys_, name)) return fail("\"" + name.substr(0, 64) + "\" stands twice in one object");
    out.keys_.push_back(std::move(name));
    space();
    if (peek() != ':') return fail("expected : behind a key");
    step();
    return true;
  }

  std::string_view text_;
  JsonLimits limits_;
  size_t at_ = 0, line_start_ = 0;
  int line_ = 1;
  std::string error_;
};

Result<Json> Json::parse(std::string_view text, const JsonLimits& limits) {
  return JsonParser(text, limits).parse();
}

}  // namespace headgate

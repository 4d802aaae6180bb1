// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/masked.h>

#include <algorithm>
#include <optional>

namespace headgate {
namespace {

constexpr std::string_view kAuthorityFront = "://", kFile = "file:///";
constexpr std::string_view kSentenceEnds = ".,;:!?)]}>\"'`";
// Without case, "-" and "_".
constexpr std::string_view kSecretEnds[] = {"auth",      "authorization", "key",      "pass",   "passphrase",
                                            "passwd",    "password",      "playpath", "secret", "sig",
                                            "signature", "streamid",      "token"};
constexpr std::string_view kStringType = "(string)";  // GstStructure's, between name and value
constexpr size_t kMostPortDigits = 5;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_space(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
}

bool in_scheme(char c) {
  return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
}

bool in_name(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '_';
}

// Names beyond ASCII, too.
bool in_host(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_quote(char c) {
  return c == '"' || c == '\'' || c == '`';
}

template <typename Is>
size_t end_of(std::string_view text, size_t from, Is is) {
  while (from < text.size() && is(text[from])) ++from;
  return from;
}

// Behind "host:port" of what follows "://", without a user; nothing: it is none.
std::optional<size_t> end_of_host(std::string_view rest) {
  size_t end = 0;
  if (rest.starts_with('[')) {  // of IPv6
    end = end_of(rest, 1, [](char c) { return in_host(c) || c == ':' || c == '%'; });
    if (end == rest.size() || rest[end] != ']') return std::nullopt;
    ++end;
  } else {
    end = end_of(rest, 0, in_host);
  }
  if (end < rest.size() && rest[end] == ':') {
    const size_t port = end_of(rest, end + 1, is_digit);
    if (port - end - 1 > kMostPortDigits) return std::nullopt;
    if (port > end + 1) end = port;
  }
  return end;
}

struct Address {
  std::string shown;       // empty: none that is certain
  bool more = false;       // there is a path, query or fragment
  std::string_view marks;  // the sentence's, where there is not
};

// Of "scheme://...", whose first `front` bytes end behind "//". Where an @ stands behind the first /, ? or #
// (is it a password with one of them?) nobody can tell what the host is.
Address read_address(std::string_view token, size_t front) {
  const std::string_view rest = token.substr(front);
  const size_t authority = std::min(rest.find_first_of("/?#\\"), rest.size());
  const size_t at = rest.rfind('@');
  if (at != rest.npos && at > authority) return {};
  const size_t host = at == rest.npos ? 0 : at + 1;
  const std::string_view place = rest.substr(host, authority - host);
  const auto end = end_of_host(place);
  if (!end || place.empty()) return {};
  Address out;
  out.more = authority < rest.size();
  out.marks = place.substr(*end);
  if (out.more ? !out.marks.empty() : out.marks.find_first_not_of(kSentenceEnds) != out.marks.npos) return {};
  out.shown = std::string(token.substr(0, front)) + std::string(place.substr(0, *end));
  return out;
}

// Of what begins at `from`, behind the quotation mark `quote` (0: none).
size_t end_of_value(std::string_view text, size_t from, char quote) {
  if (quote == 0) return end_of(text, from, [](char c) { return !is_space(c); });
  // The mark may be in it, too, and then something of it follows.
  for (size_t at = text.find(quote, from); at != text.npos; at = text.find(quote, at + 1))
    if (at + 1 == text.size() ||
        !(in_name(text[at + 1]) || std::string_view("%/?&=#@+~").find(text[at + 1]) != text.npos))
      return at > from && text[at - 1] == '\\' ? at - 1 : at;
  return text.size();
}

// Without what ends the sentence.
size_t without_marks(std::string_view text, size_t from, size_t end) {
  while (end > from && kSentenceEnds.find(text[end - 1]) != kSentenceEnds.npos) --end;
  return end;
}

char quote_before(std::string_view text, size_t at) {
  return at > 0 && is_quote(text[at - 1]) ? text[at - 1] : '\0';
}

bool names_secret(std::string_view name) {
  std::string plain;
  for (char c : name)
    if (c != '-' && c != '_') plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::any_of(std::begin(kSecretEnds), std::end(kSecretEnds),
                     [&](std::string_view end) { return plain.ends_with(end); });
}

// Copies what is not masked.
class Masking {
 public:
  explicit Masking(std::string_view text) : text_(text) {}
  std::string take() {
    for (size_t at = 0; at < text_.size();) at = next(at);
    return values_masked();
  }

 private:
  size_t next(size_t at) {
    const size_t front = text_.find(kAuthorityFront, at);
    if (front == text_.npos) {
      out_ += text_.substr(at);
      return text_.size();
    }
    size_t begin = front;
    while (begin > at && in_scheme(text_[begin - 1])) --begin;
    out_ += text_.substr(at, begin - at);
    return address(begin, front + kAuthorityFront.size());
  }

  size_t address(size_t begin, size_t host) {
    if (text_.substr(begin).starts_with(kFile)) {
      out_ += text_.substr(begin, host - begin);
      return host;
    }
    const char quote = quote_before(text_, begin);
    const size_t end = end_of_value(text_, host, quote);
    const Address read = read_address(text_.substr(begin, end - begin), host - begin);
    if (!read.shown.empty() && !read.more) {
      out_ += read.shown + std::string(read.marks);
      return end;
    }
    if (read.more)
      out_ += read.shown + "/";
    else
      out_ += text_.substr(begin, host - begin);
    if (end > host) out_ += kMasked;
    return quote == 0 ? without_marks(text_, host, end) : end;
  }

  // NAME=VALUE in what is there now.
  std::string values_masked() const {
    const std::string_view text = out_;
    std::string out;
    for (size_t at = 0;;) {
      const size_t equals = text.find('=', at);
      if (equals == text.npos) return out + std::string(text.substr(at));
      size_t value = equals + 1, name_end = equals;
      if (equals > at && text[equals - 1] == ' ') {
        --name_end;
        value = end_of(text, value, [](char c) { return c == ' '; });
      }
      size_t name = name_end;
      while (name > at && in_name(text[name - 1])) --name;
      if (text.substr(value).starts_with(kStringType)) value += kStringType.size();
      if (text.substr(value).starts_with('\\')) ++value;
      if (value < text.size() && is_quote(text[value])) ++value;
      const char quote = quote_before(text, value);
      out += text.substr(at, value - at);
      at = value;
      if (!names_secret(text.substr(name, name_end - name))) continue;
      size_t end = end_of_value(text, value, quote);
      if (quote == 0) end = without_marks(text, value, end);
      if (end > value) out += kMasked;
      at = end;
    }
  }

  std::string_view text_;
  std::string out_;
};

}  // namespace

std::string shown_address(std::string_view address) {
  const size_t front = address.find(kAuthorityFront);
  if (front == address.npos || front == 0 || end_of(address, 0, in_scheme) != front) return "?";
  const Address read = read_address(address, front + kAuthorityFront.size());
  return read.shown.empty() ? "?" : read.shown;
}

std::string masked(std::string_view text) {
  return Masking(text).take();
}

}  // namespace headgate

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plain_request.h"

#include <algorithm>

namespace headgate::origin {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// `expected` in small letters.
bool is(std::string_view text, std::string_view expected) {
  return std::equal(text.begin(), text.end(), expected.begin(), expected.end(),
                    [](char a, char b) { return lower(a) == b; });
}

bool begins(std::string_view text, std::string_view expected) {
  return is(text.substr(0, expected.size()), expected);
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool take(std::string_view& text, std::string_view front) {
  if (!text.starts_with(front)) return false;
  text.remove_prefix(front.size());
  return true;
}

bool is_plain(char c) {
  return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
}

bool is_directives(std::string_view query) {
  return query.starts_with("_HLS_") &&
         std::all_of(query.begin(), query.end(), [](char c) { return is_plain(c) || c == '=' || c == '&'; });
}

bool read_request_line(std::string_view line, PlainRequest& out) {
  out.head = take(line, "HEAD ");
  if (!out.head && !take(line, "GET ")) return false;
  size_t end = line.find(' ');
  if (end == std::string_view::npos || end > kMaxPathBytes) return false;
  const size_t mark = std::min(line.find('?'), end);
  out.path = line.substr(0, mark);
  if (mark < end) {
    out.query = line.substr(mark + 1, end - mark - 1);
    if (!is_directives(out.query)) return false;
  }
  return line.substr(end) == " HTTP/1.1" && is_public_media(out.path) &&
         std::all_of(out.path.begin(), out.path.end(), [](char c) { return is_plain(c) || c == '/'; });
}

// False: the answer may depend on it, or it is not as it should be.
bool read_header(std::string_view line, PlainRequest& out, int& hosts) {
  size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  std::string_view name = line.substr(0, colon), value = without_blanks(line.substr(colon + 1));
  if (!std::all_of(name.begin(), name.end(), [](char c) { return is_alphanumeric(c) || c == '-'; }))
    return false;
  if (std::any_of(value.begin(), value.end(),
                  [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t'; }))
    return false;
  if (is(name, "host")) return ++hosts == 1;
  if (is(name, "accept-encoding")) {
    out.gzip |= accepts_gzip(value);
    return true;
  }
  if (is(name, "x-forwarded-for")) {
    out.forwarded_for = forwarded_for(value);
    return true;
  }
  if (is(name, "connection")) {
    const bool close = is(value, "close");
    out.close |= close;
    return close || is(value, "keep-alive");
  }
  // A part or a condition; a body; something that the server is to do first.
  return !is(name, "range") && !begins(name, "if-") && !begins(name, "content-") &&
         !is(name, "transfer-encoding") && !is(name, "trailer") && !is(name, "te") && !is(name, "expect") &&
         !is(name, "upgrade");
}

// What stands before the next `mark`; `text` goes on behind it.
std::string_view cut(std::string_view& text, char mark) {
  const size_t at = std::min(text.find(mark), text.size());
  const std::string_view out = without_blanks(text.substr(0, at));
  text.remove_prefix(std::min(at + 1, text.size()));
  return out;
}

}  // namespace

bool accepts_gzip(std::string_view value) {
  bool any = false;  // what "*" says holds unless gzip is named
  while (!value.empty()) {
    std::string_view one = cut(value, ',');
    const std::string_view coding = cut(one, ';');
    const std::string_view weight = cut(one, ';');
    // "q=0", "q=0.000": not at all.
    const bool wanted = !begins(weight, "q=0") || weight.find_first_of("123456789") != std::string_view::npos;
    if (is(coding, "gzip") || is(coding, "x-gzip")) return wanted;
    if (coding == "*") any = wanted;
  }
  return any;
}

std::string_view forwarded_for(std::string_view value) {
  const size_t comma = value.rfind(',');
  const auto last = without_blanks(comma == std::string_view::npos ? value : value.substr(comma + 1));
  const bool good = last.size() <= kMaxAddressBytes && std::all_of(last.begin(), last.end(), [](char c) {
                      return is_alphanumeric(c) || c == '.' || c == ':';
                    });
  return good ? last : std::string_view();
}

std::optional<PlainRequest> plain_request(std::string_view bytes) {
  const size_t end = bytes.substr(0, kMaxPlainBytes).find(kHeadEnd);
  if (end == std::string_view::npos) return std::nullopt;
  PlainRequest out;
  out.size = end + kHeadEnd.size();
  std::string_view lines = bytes.substr(0, end + kLineEnd.size());
  int hosts = 0;
  for (bool first = true; !lines.empty(); first = false) {
    const size_t length = lines.find(kLineEnd);
    const std::string_view line = lines.substr(0, length);
    lines.remove_prefix(length + kLineEnd.size());
    if (!(first ? read_request_line(line, out) : read_header(line, out, hosts))) return std::nullopt;
  }
  return hosts == 1 ? std::optional(out) : std::nullopt;
}

}  // namespace headgate::origin

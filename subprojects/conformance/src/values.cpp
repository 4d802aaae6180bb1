// SPDX-License-Identifier: LGPL-2.1-or-later
#include "values.h"

#include <algorithm>
#include <charconv>

namespace headgate::conformance {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}
bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-';
  });
}

// Digits from `text` at `at`, as many as `count`; moves on. Nothing when there are other things.
std::optional<int64_t> digits(std::string_view text, size_t& at, size_t count) {
  if (at > text.size() || text.size() - at < count) return std::nullopt;
  auto number = read_integer(text.substr(at, count));
  if (!number) return std::nullopt;
  at += count;
  return static_cast<int64_t>(*number);
}
bool take(std::string_view text, size_t& at, char c) {
  if (at >= text.size() || text[at] != c) return false;
  ++at;
  return true;
}

// Days since 1970-01-01 of a date of the Gregorian calendar.
int64_t days(int64_t year, int64_t month, int64_t day) {
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t era = (y >= 0 ? y : y - 399) / 400;
  const int64_t of_era = y - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// ".031" -> microseconds; digits beyond are cut.
std::optional<Micros> fraction(std::string_view text, size_t& at) {
  Micros value = 0, unit = kSecond / 10;
  const size_t begin = at;
  for (; at < text.size() && is_digit(text[at]); ++at, unit /= 10) value += (text[at] - '0') * unit;
  if (at == begin) return std::nullopt;
  return value;
}

// "Z", "+08:00", "+0800", "+08": seconds east of Greenwich.
std::optional<int64_t> zone(std::string_view text) {
  if (text == "Z") return 0;
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  size_t at = 1;
  auto hours = digits(text, at, 2);
  if (!hours || *hours > 23) return std::nullopt;
  int64_t minutes = 0;
  if (at < text.size()) {
    take(text, at, ':');
    auto given = digits(text, at, 2);
    if (!given || *given > 59 || at != text.size()) return std::nullopt;
    minutes = *given;
  }
  const int64_t seconds = *hours * 3600 + minutes * 60;
  return text[0] == '-' ? -seconds : seconds;
}

// The length of the character that begins here and its code; 0: none does.
size_t character(std::string_view text, size_t at, uint32_t& code) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  const size_t length = first < 0x80                    ? 1
                        : first >= 0xC2 && first < 0xE0 ? 2
                        : (first & 0xF0) == 0xE0        ? 3
                        : first >= 0xF0 && first < 0xF5 ? 4
                                                        : 0;
  if (length == 0 || text.size() - at < length) return 0;
  code = length == 1 ? first : first & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(at + i) & 0x3F);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return 0;
  return length;
}

}  // namespace

std::vector<Attribute> read_attributes(std::string_view text, std::string& fault) {
  std::vector<Attribute> out;
  size_t at = 0;
  while (at < text.size()) {
    const size_t equals = text.find('=', at);
    const std::string_view name = text.substr(at, equals == text.npos ? text.npos : equals - at);
    if (equals == text.npos || !is_name(name)) {
      fault = "'" + std::string(name.substr(0, 40)) + "' is no attribute name";
      return out;
    }
    at = equals + 1;
    Attribute attribute{name, {}, at < text.size() && text[at] == '"'};
    const size_t end = text.find(attribute.quoted ? '"' : ',', at + (attribute.quoted ? 1 : 0));
    if (attribute.quoted && end == text.npos) {
      fault = std::string(name) + " has no closing quote";
      return out;
    }
    if (attribute.quoted) {
      attribute.value = text.substr(at + 1, end - at - 1);
      at = end + 1;
    } else {
      attribute.value = text.substr(at, end == text.npos ? text.npos : end - at);
      at = end == text.npos ? text.size() : end;
      if (attribute.value.find_first_of("\" \t") != text.npos || attribute.value.empty())
        fault = std::string(name) + " has a value with white space or quotes, or none";
    }
    out.push_back(attribute);
    if (at == text.size()) break;
    if (text[at] != ',' || ++at == text.size()) {
      fault = "after " + std::string(name) + " there is something else than a comma and an attribute";
      return out;
    }
  }
  if (text.empty()) fault = "there are no attributes";
  return out;
}

std::optional<uint64_t> read_integer(std::string_view text) {
  uint64_t value = 0;
  if (!all_digits(text) || text.size() > 20) return std::nullopt;
  auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc()) return std::nullopt;
  return value;
}

std::optional<Micros> read_decimal(std::string_view text, uint64_t most) {
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  auto seconds = whole.empty() ? std::optional<uint64_t>(0) : read_integer(whole);
  if (!seconds || *seconds > most) return std::nullopt;
  auto value = static_cast<Micros>(*seconds) * kSecond;
  if (point == text.npos) {
    if (whole.empty()) return std::nullopt;
    return value;
  }
  const std::string_view rest = text.substr(point + 1);
  if (whole.empty() && rest.empty()) return std::nullopt;
  if (!rest.empty() && !all_digits(rest)) return std::nullopt;
  Micros unit = kSecond / 10;
  for (size_t i = 0; i < rest.size() && i < 6; ++i, unit /= 10) value += (rest[i] - '0') * unit;
  if (rest.size() > 6 && rest[6] >= '5') ++value;
  return value;
}

std::optional<std::pair<uint64_t, uint64_t>> read_resolution(std::string_view text) {
  const size_t by = text.find('x');
  if (by == text.npos) return std::nullopt;
  auto width = read_integer(text.substr(0, by)), height = read_integer(text.substr(by + 1));
  if (!width || !height) return std::nullopt;
  return std::pair(*width, *height);
}

std::optional<WrittenRange> read_range(std::string_view text) {
  const size_t at = text.find('@');
  auto length = read_integer(text.substr(0, at));
  if (!length || *length == 0 || *length > kMaxSequence) return std::nullopt;
  if (at == text.npos) return WrittenRange{*length, std::nullopt};
  auto offset = read_integer(text.substr(at + 1));
  if (!offset || *offset > kMaxSequence) return std::nullopt;
  return WrittenRange{*length, offset};
}

std::optional<WrittenDate> read_date(std::string_view text) {
  size_t at = 0;
  auto year = digits(text, at, 4);
  if (!year || !take(text, at, '-')) return std::nullopt;
  auto month = digits(text, at, 2);
  if (!month || *month < 1 || *month > 12 || !take(text, at, '-')) return std::nullopt;
  auto day = digits(text, at, 2);
  if (!day || *day < 1 || *day > 31 || !take(text, at, 'T')) return std::nullopt;
  auto hour = digits(text, at, 2);
  if (!hour || *hour > 23 || !take(text, at, ':')) return std::nullopt;
  auto minute = digits(text, at, 2);
  if (!minute || *minute > 59 || !take(text, at, ':')) return std::nullopt;
  auto second = digits(text, at, 2);
  if (!second || *second > 60) return std::nullopt;
  WrittenDate date;
  date.utc = (days(*year, *month, *day) * 86400 + *hour * 3600 + *minute * 60 + *second) * kSecond;
  if (take(text, at, '.')) {
    const size_t begin = at;
    auto part = fraction(text, at);
    if (!part) return std::nullopt;
    date.utc += *part;
    date.milliseconds = at - begin >= 3;
  }
  if (at == text.size()) return date;
  auto east = zone(text.substr(at));
  if (!east) return std::nullopt;
  date.zone = true;
  date.utc -= *east * kSecond;
  return date;
}

std::string fault_in_text(std::string_view text) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") return "it begins with a byte order mark";
  for (size_t at = 0; at < text.size();) {
    uint32_t code = 0;
    const size_t length = character(text, at, code);
    if (length == 0) return "byte " + std::to_string(at) + " is not UTF-8";
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    if (control && code != '\r' && code != '\n')
      return "byte " + std::to_string(at) + " is a control character";
    at += length;
  }
  return {};
}

}  // namespace headgate::conformance

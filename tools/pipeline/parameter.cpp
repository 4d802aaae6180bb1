// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/masked.h>
#include <glib.h>
#include <pipeline/parameter.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <span>

namespace headgate::pipeline {
namespace {

constexpr std::pair<const char*, Type> kTypes[] = {{"string", Type::string},  {"integer", Type::integer},
                                                   {"number", Type::number},  {"boolean", Type::boolean},
                                                   {"enum", Type::choice},    {"duration", Type::duration},
                                                   {"bitrate", Type::bitrate}};

struct Unit {
  std::string_view name;
  int64_t size;
};
constexpr Unit kDurations[] = {{"ns", 1},
                               {"us", 1'000},
                               {"ms", 1'000'000},
                               {"s", 1'000'000'000},
                               {"min", 60'000'000'000},
                               {"h", 3'600'000'000'000}};
constexpr Unit kBitrates[] = {{"bit/s", 1}, {"kbit/s", 1'000}, {"Mbit/s", 1'000'000}};

std::span<const Unit> units(Type type) {
  if (type == Type::duration) return kDurations;
  if (type == Type::bitrate) return kBitrates;
  return {};
}

const Unit* find_unit(Type type, std::string_view name) {
  for (const Unit& unit : units(type))
    if (unit.name == name) return &unit;
  return nullptr;
}

template <typename T>
bool parse_whole(std::string_view text, T& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool has_control_character(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Of a value that its type takes.
double magnitude(const Parameter& parameter, const std::string& value) {
  double number = 0;
  if (has_units(parameter.type)) {
    auto quantity = parse_quantity(parameter.type, value, parameter.unit);
    return quantity ? static_cast<double>(*quantity) : 0;
  }
  parse_whole(value, number);
  return number;
}

Result<void> is_of_type(const Parameter& parameter, const std::string& value) {
  int64_t integer = 0;
  double number = 0;
  switch (parameter.type) {
    case Type::string:
      if (has_control_character(value)) return Unexpected("has a control character");
      return {};
    case Type::boolean:
      if (value != "true" && value != "false") return Unexpected("'" + value + "' is not true or false");
      return {};
    case Type::choice: {
      std::string all;
      for (const auto& [name, text] : parameter.values) {
        if (name == value) return {};
        all += (all.empty() ? "" : ", ") + name;
      }
      return Unexpected("'" + value + "' is none of " + all);
    }
    case Type::integer:
      if (!parse_whole(value, integer)) return Unexpected("'" + value + "' is not an integer");
      return {};
    case Type::number:
      if (!parse_whole(value, number) || !std::isfinite(number))
        return Unexpected("'" + value + "' is not a number");
      return {};
    case Type::duration:
    case Type::bitrate:
      if (auto quantity = parse_quantity(parameter.type, value, parameter.unit); !quantity)
        return Unexpected(quantity.error());
      return {};
  }
  return {};
}

// Behind \ stands what would end or change a word of a gst-launch line; in quotes only what would end them.
std::string escaped(const std::string& text, bool in_quotes) {
  std::string out;
  for (char c : text) {
    const bool plain = in_quotes ? c != '"' && c != '\\'
                                 : g_ascii_isalnum(c) ||
                                       std::string_view("_-./:").find(c) != std::string_view::npos ||
                                       static_cast<unsigned char>(c) >= 0x80;
    if (!plain) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

const char* type_name(Type type) {
  for (const auto& [name, value] : kTypes)
    if (value == type) return name;
  return "";
}

std::optional<Type> type_of(std::string_view name) {
  for (const auto& [text, value] : kTypes)
    if (text == name) return value;
  return std::nullopt;
}

bool is_unit(Type type, std::string_view name) {
  return find_unit(type, name) != nullptr;
}

std::string unit_names(Type type) {
  std::string out;
  for (const Unit& unit : units(type)) out += (out.empty() ? "" : ", ") + std::string(unit.name);
  return out;
}

Result<int64_t> parse_quantity(Type type, std::string_view text, std::string_view unit) {
  const auto wrong = [&](const std::string& reason) {
    return Unexpected("'" + std::string(text.substr(0, 64)) + "' " + reason);
  };
  constexpr size_t kMaxFraction = 9;
  size_t digits = 0;
  while (digits < text.size() && g_ascii_isdigit(text[digits])) ++digits;
  int64_t whole = 0;
  if (digits == 0 || !parse_whole(text.substr(0, digits), whole))
    return wrong(std::string("is not a ") + (type == Type::duration ? "duration" : "bit rate"));
  std::string_view rest = text.substr(digits), fraction;
  if (!rest.empty() && rest[0] == '.') {
    size_t end = 1;
    while (end < rest.size() && g_ascii_isdigit(rest[end])) ++end;
    fraction = rest.substr(1, end - 1);
    rest = rest.substr(end);
    if (fraction.empty() || fraction.size() > kMaxFraction)
      return wrong("has one to nine digits behind its point");
  }
  const Unit* found = find_unit(type, rest.empty() ? unit : rest);
  if (!found) return wrong("wants one of these units: " + unit_names(type));
  int64_t out = 0, part = 0, scale = 1;
  for (size_t i = 0; i < fraction.size(); ++i) scale *= 10;
  if (!fraction.empty()) parse_whole(fraction, part);
  int64_t scaled = 0;
  if (__builtin_mul_overflow(whole, found->size, &out) ||
      __builtin_mul_overflow(part, found->size, &scaled) || __builtin_add_overflow(out, scaled / scale, &out))
    return wrong("is too large");
  if (scaled % scale != 0) return wrong("is no whole number of " + std::string(units(type)[0].name));
  return out;
}

Result<void> Parameter::check(const std::string& value) const {
  if (value.size() > kMaxValueBytes)
    return Unexpected("has more than " + std::to_string(kMaxValueBytes) + " bytes");
  // An address that was given to the wrong parameter is one all the same.
  if (auto good = is_of_type(*this, value); !good) return Unexpected(masked(good.error().message));
  if (!has_range(type)) return {};
  const double number = magnitude(*this, value);
  const std::string text = value + (has_units(type) && g_ascii_isdigit(value.back()) ? " " + unit : "");
  if (least && number < magnitude(*this, *least))
    return Unexpected(text + " is below \"min\" (" + *least + ")");
  if (most && number > magnitude(*this, *most)) return Unexpected(text + " is above \"max\" (" + *most + ")");
  return {};
}

Result<std::string> in_line(const Parameter& parameter, const std::string& value, const std::string& unit,
                            Place place) {
  if (has_units(parameter.type)) {
    auto quantity = parse_quantity(parameter.type, value, parameter.unit);
    if (!quantity) return Unexpected(quantity.error());
    const Unit* wanted = find_unit(parameter.type, unit.empty() ? units(parameter.type)[0].name : unit);
    if (!wanted) return Unexpected("\"" + unit + "\" is none of these units: " + unit_names(parameter.type));
    if (*quantity % wanted->size != 0) return Unexpected(value + " is no whole number of " + unit);
    return std::to_string(*quantity / wanted->size);
  }
  if (parameter.type == Type::choice) {
    for (const auto& [name, text] : parameter.values)
      if (name == value) return text;
    return Unexpected("'" + value + "' is not one of its values");
  }
  if (parameter.type != Type::string) return value;
  if (place == Place::alone) return "\"" + escaped(value, true) + "\"";
  return escaped(value, place == Place::quoted);
}

}  // namespace headgate::pipeline

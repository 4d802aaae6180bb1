// SPDX-License-Identifier: LGPL-2.1-or-later
#include "description.h"

#include <base/bytes.h>
#include <base/io.h>

#include <charconv>
#include <cmath>

namespace headgate::worker {
namespace {

template <typename T>
bool parse_whole(const std::string& text, T& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// As gst-launch reads it: in quotes, with \ before what would end or change it.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool has_control_character(const std::string& text) {
  for (char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  return false;
}

}  // namespace

Result<Description> Description::load(const std::string& file) {
  auto bytes = read_file(file, kMaxDescriptionBytes);
  if (!bytes) return Unexpected(bytes.error());
  return parse(std::string(as_text(*bytes)), file);
}

Result<std::string> Description::checked(const Parameter& parameter, const std::string& value) {
  double number = 0;
  switch (parameter.type) {
    case Type::string:
      if (has_control_character(value)) return Unexpected("has a control character");
      return quoted(value);
    case Type::boolean:
      if (value != "true" && value != "false") return Unexpected("'" + value + "' is not true or false");
      return value;
    case Type::integer: {
      int64_t integer = 0;
      if (!parse_whole(value, integer)) return Unexpected("'" + value + "' is not an integer");
      number = static_cast<double>(integer);
      break;
    }
    case Type::number:
      if (!parse_whole(value, number) || !std::isfinite(number))
        return Unexpected("'" + value + "' is not a number");
      break;
  }
  if (parameter.has_least && number < parameter.least) return Unexpected(value + " is below \"min\"");
  if (parameter.has_most && number > parameter.most) return Unexpected(value + " is above \"max\"");
  return value;
}

Result<std::string> Description::launch_line(const Values& values) const {
  for (const auto& [name, value] : values)
    if (!has_parameter(name)) return Unexpected(file_ + ": there is no parameter \"" + name + "\"");
  std::map<std::string, std::string> filled;
  for (const auto& [name, parameter] : parameters_) {
    auto given = values.find(name);
    if (given == values.end() && !parameter.has_default)
      return Unexpected(file_ + ": parameters." + name + ": has no default and was not given");
    auto good = checked(parameter, given == values.end() ? parameter.default_value : given->second);
    if (!good) return Unexpected(file_ + ": parameters." + name + ": " + good.error().message);
    filled[name] = *good;
  }
  std::string out;
  for (size_t at = 0; at < elements_.size();) {
    size_t open = elements_.find('{', at);
    size_t close = elements_.find('}', open);  // there is one: checked when it was read
    out += elements_.substr(at, open - at);
    if (open == std::string::npos) break;
    out += filled.at(elements_.substr(open + 1, close - open - 1));
    at = close + 1;
  }
  return out;
}

}  // namespace headgate::worker

// SPDX-License-Identifier: LGPL-2.1-or-later
// A parameter of a pipeline description: what values it takes, and how one is written into a gst-launch line.
// Durations are nanoseconds there and bit rates bits per second, unless the line asks for another unit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <base/result.h>

namespace headgate::pipeline {

inline constexpr size_t kMaxValueBytes = 4096;

enum class Type { string, integer, number, boolean, choice, duration, bitrate };
const char* type_name(Type type);  // as descriptions have it: "enum" for a choice
std::optional<Type> type_of(std::string_view name);
inline bool has_range(Type type) {
  return type != Type::string && type != Type::boolean && type != Type::choice;
}
inline bool has_units(Type type) {
  return type == Type::duration || type == Type::bitrate;
}

// "500ms", "1.5s" -> nanoseconds; "2500kbit/s" -> bits per second. `unit` is what a bare number counts;
// empty: one is refused. The units: unit_names().
Result<int64_t> parse_quantity(Type type, std::string_view text, std::string_view unit = {});
bool is_unit(Type type, std::string_view name);
std::string unit_names(Type type);  // "ns, us, ms, s, min, h"

struct Parameter {
  std::string name;
  Type type = Type::string;
  std::string about;
  std::string unit;                   // durations, bit rates: of bare numbers; else for people
  std::optional<std::string> preset;  // its default, as a value is given
  std::optional<std::string> least, most;
  // Of a choice: what may be given, and what is filled in for it.
  std::vector<std::pair<std::string, std::string>> values;

  // Whether the parameter takes this value. The error is the end of a sentence: "5 is above \"max\" (4)".
  Result<void> check(const std::string& value) const;
};

// Where in a gst-launch line a value stands: alone behind =, in quotes, or among other characters.
enum class Place { alone, quoted, among };

// What stands in the line for a value that check() took. `unit`: of a duration or bit rate; empty: the usual.
// Refuses a value that is no whole number of that unit.
Result<std::string> in_line(const Parameter& parameter, const std::string& value, const std::string& unit,
                            Place place);

}  // namespace headgate::pipeline

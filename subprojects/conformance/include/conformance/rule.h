// SPDX-License-Identifier: LGPL-2.1-or-later
// What is demanded of a stream, and what was found to be otherwise. A rule is data: its clause, how bad it is
// to break it, what it demands and what to do about it. docs/check.md's tables are made from these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::conformance {

enum class Severity : uint8_t {
  note,     // worth knowing; no fault
  warning,  // a SHOULD, or something that players are known to stumble over
  error,    // a MUST
};
const char* severity_name(Severity severity);

struct Rule {
  const char* id;
  const char* clause;  // of the table's standard
  Severity severity;
  const char* demand;
  const char* remedy;
};

struct Finding {
  const Rule* rule = nullptr;
  size_t line = 0;   // of the playlist, from 1; 0: none
  std::string what;  // seen and expected
};
using Findings = std::vector<Finding>;

template <size_t N>
consteval const Rule* look_up(const Rule (&table)[N], std::string_view id) {
  for (const Rule& rule : table)
    if (rule.id == id) return &rule;
  throw "no rule has this id";  // does not compile
}

std::span<const Rule> hls_rules();   // draft-pantos-hls-rfc8216bis-22
std::span<const Rule> dash_rules();  // ISO/IEC 23009-1:2022

}  // namespace headgate::conformance

// SPDX-License-Identifier: LGPL-2.1-or-later
// All that was found: each rule once for each place, with when it was first broken and how often.
#pragma once

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <conformance/rule.h>

namespace headgate::check {

inline constexpr size_t kMaxTimes = 100;

class Report {
 public:
  struct Row {
    const conformance::Rule* rule = nullptr;
    std::string where, what;  // what: the first time
    size_t line = 0;
    int64_t first_us = 0;           // since the beginning
    std::vector<int64_t> times_us;  // of the first kMaxTimes, likewise
    uint64_t count = 0;
  };
  // `at_us`: since the beginning.
  void add(const std::string& where, int64_t at_us, const conformance::Findings& findings);
  uint64_t count(conformance::Severity severity) const;
  bool clean() const;             // notes apart
  std::vector<Row> rows() const;  // the worst first, then by time
  // `standard`: whose clauses they are.
  void print(FILE* to, const char* standard) const;
  std::string json() const;  // an array

 private:
  std::map<std::pair<const conformance::Rule*, std::string>, Row> rows_;
};

}  // namespace headgate::check

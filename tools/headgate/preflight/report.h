// SPDX-License-Identifier: LGPL-2.1-or-later
// What was found, for people and for programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "outcome.h"

namespace headgate::preflight {

struct Row {
  std::string name;
  Outcome outcome;
  int64_t ms = 0;  // that it took
};

// Of one check: a line, and two for each finding. `colours`: for a terminal.
std::string row_text(const Row& row, bool colours);
// "17 passed, 1 warning, 2 failed, 1 not tried"
std::string summary_text(const std::vector<Row>& rows, bool colours);
// One object (docs/preflight.md).
std::string report_json(const std::string& data, const std::string& node, const std::vector<Row>& rows);
// 1: something failed; 0: nothing did.
int exit_code(const std::vector<Row>& rows);

}  // namespace headgate::preflight

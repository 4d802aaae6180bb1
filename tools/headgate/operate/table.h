// SPDX-License-Identifier: LGPL-2.1-or-later
// Tables and quantities for a person.
#pragma once

#include <common/terminal_text.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace headgate::cli {

using tools::fitted;
using tools::printable;
using tools::width_of;

// NaN, everywhere: not known, "-".
std::string number_text(double number, const char* format = "%.0f");
std::string clock_text(double seconds);      // "3:02:45"
std::string short_duration(double seconds);  // at most six columns: "12 s", "45 m", "3h05m", "12d04h"
std::string bytes_text(double bytes);        // "3.2 TB"
std::string bit_rate_text(double kbps);      // "18.2 Gbit/s"

class Table {
 public:
  struct Column {
    const char* title;
    bool right = false;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as there are columns.
  void row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // Each column as wide as its widest cell; the last is not filled up.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace headgate::cli

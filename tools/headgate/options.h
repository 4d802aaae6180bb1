// SPDX-License-Identifier: LGPL-2.1-or-later
// GOption for the subcommands.
#pragma once

#include <glib.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <base/result.h>

namespace headgate::cli {

// A command's options and its one or no operand. Values are the arguments' own bytes (GOption's own strings
// are refused when the locale is not UTF-8), empty when not given.
class Options {
 public:
  // `usage` follows the command's name in the help, as in "TEXT - explain a ticket".
  explicit Options(const char* usage);
  ~Options();
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  // Before parse(). `name`, `help` and `value_name` are literals. Returns where the value will be found.
  const std::optional<std::string>& text(const char* name, const char* value_name, const char* help);
  const std::vector<std::string>& list(const char* name, const char* value_name, const char* help);
  const bool& flag(const char* name, const char* help);
  void epilogue(const char* text);

  // --help prints and leaves the program. Operands other than `operand_count` are an error.
  Result<std::vector<std::string>> parse(int argc, char** argv, int operand_count);

 private:
  struct Slots;
  Slots* slots_;
};

// A decimal number (leading zeros are no octal). The error names `what`.
Result<uint64_t> parse_number(const std::string& text, const char* what, uint64_t most);

// "headgate ticket issue: message" on standard error; returns `code`.
int fail(const char* program, const std::string& message, int code);
// The same for wrong usage, with the pointer to --help; returns 2.
int fail_usage(const char* program, const std::string& message);

}  // namespace headgate::cli

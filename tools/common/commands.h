// SPDX-License-Identifier: LGPL-2.1-or-later
// Commands of a program, and commands of these: each is given its own arguments, argv[0] being "program
// name", and returns the exit code: 0 done, 1 the thing asked about is bad or could not be done, 2 wrong
// usage (an option, or a file that it names).
#pragma once

#include <string>

namespace headgate::tools {

struct Command {
  const char* name;
  const char* help;  // one line
  int (*run)(int argc, char** argv);
};

// argv[1] names one of `commands` (the table ends with a null name). Prints the list for --help, and for a
// wrong name to stderr.
int run_command(const char* program, const char* summary, const Command* commands, int argc, char** argv);

// "program: message" on standard error; returns `code`.
int complain(int code, const char* program, const std::string& message);

}  // namespace headgate::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
// The subcommands of `headgate`. Each is given its own arguments, argv[0] being "headgate <name>", and
// returns the exit code: 0 done, 1 the thing asked about is bad or could not be done, 2 wrong usage (an
// option, or a file that it names).
#pragma once

#include <string>

namespace headgate::cli {

struct Command {
  const char* name;
  const char* help;  // one line
  int (*run)(int argc, char** argv);
};

// `ticket` and, inside it, its own subcommands are looked up by the same function: argv[1] names one of
// `commands` (the table ends with a null name). Prints the list for --help, and for a wrong name to stderr.
int run_command(const char* program, const char* summary, const Command* commands, int argc, char** argv);

// "program: message" on standard error; returns `code`.
int complain(int code, const char* program, const std::string& message);

int run_serve(int argc, char** argv);
int run_status(int argc, char** argv);
int run_ticket(int argc, char** argv);
int run_archive(int argc, char** argv);
int run_check(int argc, char** argv);
int run_load(int argc, char** argv);

}  // namespace headgate::cli

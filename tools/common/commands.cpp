// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/commands.h>

#include <cstdio>
#include <cstring>
#include <vector>

namespace headgate::tools {
namespace {

void print_usage(FILE* to, const char* program, const char* summary, const Command* commands) {
  std::fprintf(to, "Usage: %s COMMAND [OPTION...]\n%s\n\nCommands:\n", program, summary);
  for (const Command* c = commands; c->name; ++c) std::fprintf(to, "  %-12s %s\n", c->name, c->help);
  std::fprintf(to, "\n'%s COMMAND --help' tells more about one.\n", program);
}

}  // namespace

int run_command(const char* program, const char* summary, const Command* commands, int argc, char** argv) {
  if (argc < 2) {
    print_usage(stderr, program, summary, commands);
    return 2;
  }
  if (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0) {
    print_usage(stdout, program, summary, commands);
    return 0;
  }
  for (const Command* c = commands; c->name; ++c) {
    if (std::strcmp(argv[1], c->name) != 0) continue;
    std::string name = std::string(program) + " " + c->name;  // what GOption prints after "Usage:"
    std::vector<char*> args(argv + 1, argv + argc);
    args[0] = name.data();
    args.push_back(nullptr);
    return c->run(argc - 1, args.data());
  }
  std::fprintf(stderr, "%s: there is no command '%s'; '%s --help' lists them\n", program, argv[1], program);
  return 2;
}

int complain(int code, const char* program, const std::string& message) {
  std::fprintf(stderr, "%s: %s\n", program, message.c_str());
  return code;
}

}  // namespace headgate::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate-pipeline: what `headgate pipeline` does, and what runs a pipeline of a node that is no session's.
#include <common/commands.h>

#include <clocale>

#include "commands.h"

int main(int argc, char** argv) {
  static constexpr headgate::tools::Command kCommands[] = {
      {"list", "what descriptions there are", headgate::pipeline::run_list},
      {"show", "a description's parameters and what its elements become", headgate::pipeline::run_show},
      {"check", "what is wrong with a description, where, and what to do", headgate::pipeline::run_check},
      {"elements", "which plugins it needs, and whether they are there", headgate::pipeline::run_elements},
      {"run", "run one alone, in the foreground", headgate::pipeline::run_run},
      {"graph", "draw one as SVG", headgate::pipeline::run_graph},
      {nullptr, nullptr, nullptr},
  };
  std::setlocale(LC_ALL, "");
  return headgate::tools::run_command("headgate pipeline", "What a node runs, as data (docs/pipelines.md).",
                                      kCommands, argc, argv);
}

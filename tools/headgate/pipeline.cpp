// SPDX-License-Identifier: LGPL-2.1-or-later
// Another program's work: this one does not load GStreamer.
#include <common/siblings.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "commands.h"

namespace headgate::cli {

int run_pipeline(int argc, char** argv) {
  auto program = tools::find_program("headgate-pipeline");
  if (!program) return complain(2, argv[0], program.error().message);
  std::vector<char*> arguments(argv, argv + argc);
  arguments.push_back(nullptr);
  ::execv(program->c_str(), arguments.data());
  return complain(2, argv[0], *program + ": " + std::strerror(errno));
}

}  // namespace headgate::cli

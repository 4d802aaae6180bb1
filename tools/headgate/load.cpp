// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/commands.h>

#include "commands.h"

namespace headgate::cli {

int run_load(int argc, char** argv) {
  static constexpr Command kCommands[] = {
      {"clip", "make the clip that is published", load::run_clip},
      {"publish", "publish it as many stations at once", load::run_publish},
      {"view", "watch many streams as players do", load::run_view},
      {nullptr, nullptr, nullptr},
  };
  return run_command("headgate load", "A load of publishers and viewers, to measure with (docs/load.md).",
                     kCommands, argc, argv);
}

}  // namespace headgate::cli

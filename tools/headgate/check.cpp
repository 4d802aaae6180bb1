// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/commands.h>

#include "commands.h"

namespace headgate::cli {

int run_check(int argc, char** argv) {
  static constexpr Command kCommands[] = {
      {"hls", "hold an HLS stream to RFC 8216bis", check::run_hls},
      {"dash", "hold a DASH stream to ISO/IEC 23009-1", check::run_dash},
      {nullptr, nullptr, nullptr},
  };
  return run_command("headgate check",
                     "A checker that polls as players do and forgets nothing (docs/check.md).", kCommands,
                     argc, argv);
}

}  // namespace headgate::cli

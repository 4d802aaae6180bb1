// SPDX-License-Identifier: LGPL-2.1-or-later
#include "commands.h"

namespace headgate::cli {

int run_ticket(int argc, char** argv) {
  static constexpr Command kCommands[] = {
      {nullptr, nullptr, nullptr},
  };
  return run_command("headgate ticket", "Keys and tickets (docs/tickets.md).", kCommands, argc, argv);
}

}  // namespace headgate::cli

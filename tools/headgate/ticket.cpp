// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ticket.h"

#include "commands.h"

namespace headgate::cli {

int run_ticket(int argc, char** argv) {
  static constexpr Command kCommands[] = {
      {"keygen", "make an event's keys", run_ticket_keygen},
      {"issue", "issue a ticket and show it as a QR code", run_ticket_issue},
      {"show", "explain a ticket in words and check it", run_ticket_show},
      {nullptr, nullptr, nullptr},
  };
  return run_command("headgate ticket",
                     "Keys and tickets: the signed right to publish as one station of an event.", kCommands,
                     argc, argv);
}

}  // namespace headgate::cli

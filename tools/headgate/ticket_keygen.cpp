// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/options.h>

#include <cstdio>
#include <limits>

#include <ticket/keys.h>

#include "commands.h"
#include "ticket.h"

namespace headgate::cli {

int run_ticket_keygen(int argc, char** argv) {
  const char* program = argv[0];
  int64_t event = -1, kid = 1;
  std::string out, region = "main";
  tools::Options options("- make an event's keys", "",
                         "Nothing is overwritten. issuer-<kid>.key can make tickets: keep it off the nodes "
                         "and off the network. What a\n"
                         "node needs is in DIR/node: give it that alone. An app needs fleet-<kid>.key to\n"
                         "read sealed codes. docs/tickets.md has the whole.");
  options.number("event", event, 0, std::numeric_limits<uint32_t>::max(), "N", "number of the event")
      .text("out", out, "DIR", "folder to write to; made when it is not there")
      .number("kid", kid, 0, std::numeric_limits<uint8_t>::max(), "N",
              "number of the keys, 0 to 255 (default 1); another one makes spare keys")
      .text("region", region, "NAME", "region that the master key is for (default main)");
  auto rest = options.parse(argc, argv);
  if (!rest) return complain(2, program, rest.error().message);
  if (!rest->empty()) return complain(2, program, "unexpected argument '" + rest->front() + "'");
  if (event < 0) return complain(2, program, "--event is missing");
  if (out.empty()) return complain(2, program, "--out is missing");

  ticket::EventFile what;
  what.event = static_cast<uint32_t>(event);
  what.kid = what.fleet = static_cast<uint8_t>(kid);
  what.region = region;
  auto written = ticket::create_keys(out, what);
  if (!written) return complain(2, program, written.error().message);
  for (const std::string& path : *written) std::printf("%s\n", path.c_str());
  return 0;
}

}  // namespace headgate::cli

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdio>

#include <ticket/keys.h>

#include "options.h"
#include "ticket.h"

namespace headgate::cli {

int run_ticket_keygen(int argc, char** argv) {
  const char* program = argv[0];
  Options options("- make an event's keys");
  const auto& event = options.text("event", "N", "number of the event");
  const auto& out = options.text("out", "DIR", "folder to write to; made when it is not there");
  const auto& kid =
      options.text("kid", "N", "number of the key, 0 to 255 (default 1); another one makes spare keys");
  const auto& region = options.text("region", "NAME", "region that the master key is for (default main)");
  options.epilogue(
      "Nothing is overwritten. issuer-<kid>.key can make tickets: keep it off the nodes and off the network. "
      "A node\n"
      "needs event.json, issuer-<kid>.pub and master-<region>-<kid>.key; an app needs fleet-<kid>.key to "
      "read\n"
      "sealed codes. docs/tickets.md has the whole.");
  if (auto parsed = options.parse(argc, argv, 0); !parsed) return fail_usage(program, parsed.error().message);
  if (!event) return fail_usage(program, "--event is missing");
  if (!out || out->empty()) return fail_usage(program, "--out is missing");
  auto event_number = parse_number(*event, "--event", UINT32_MAX);
  if (!event_number) return fail_usage(program, event_number.error().message);
  auto kid_number = parse_number(kid.value_or("1"), "--kid", UINT8_MAX);
  if (!kid_number) return fail_usage(program, kid_number.error().message);

  ticket::EventFile what;
  what.event = static_cast<uint32_t>(*event_number);
  what.kid = what.fleet = static_cast<uint8_t>(*kid_number);
  if (region) what.region = *region;
  auto written = ticket::create_keys(*out, what);
  if (!written) return fail(program, written.error().message, 2);
  for (const std::string& path : *written) std::printf("%s\n", path.c_str());
  return 0;
}

}  // namespace headgate::cli

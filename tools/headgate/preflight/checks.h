// SPDX-License-Identifier: LGPL-2.1-or-later
// The checks of `headgate preflight` (docs/preflight.md), in the order in which they are made: what others
// build on comes first.
#pragma once

#include <string_view>
#include <vector>

#include "context.h"

namespace headgate::preflight {

struct Check {
  const char* name;
  const char* about;  // one line, for --list
  Outcome (*run)(Context& context);
  // With one of these failed it is not tried: what it would find is theirs.
  std::vector<const char*> needs = {};
};
const std::vector<Check>& checks();

Outcome check_clock(Context& context);
Outcome check_volume(Context& context);
Outcome check_disk_space(Context& context);
Outcome check_inodes(Context& context);
Outcome check_disk_speed(Context& context);
Outcome check_open_files(Context& context);
Outcome check_sockets(Context& context);
Outcome check_processes(Context& context);
Outcome check_cpu(Context& context);
Outcome check_capacity(Context& context);
Outcome check_network(Context& context);
Outcome check_memory(Context& context);
Outcome check_ports(Context& context);
Outcome check_certificate(Context& context);
Outcome check_keys(Context& context);
Outcome check_addresses(Context& context);
Outcome check_control(Context& context);
Outcome check_elements(Context& context);
Outcome check_pipelines(Context& context);
Outcome check_content(Context& context);
Outcome check_instances(Context& context);
Outcome check_tickets(Context& context);
Outcome check_alerts(Context& context);
Outcome check_publisher(Context& context);

}  // namespace headgate::preflight

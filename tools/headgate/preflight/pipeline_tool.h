// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate-pipeline, which loads GStreamer as this program does not.
#pragma once

#include <string>
#include <vector>

#include "context.h"
#include "program.h"

namespace headgate::preflight {

// With these arguments, until it has ended; as the account. `secret`: likewise, and not on its command line.
Result<Program> pipeline_tool(const Context& context, std::vector<std::string> words,
                              std::vector<std::string> secret = {});
// What it said is wrong, a line each.
void tell_faults(const Program& program, const std::string& front, const char* to_do, Outcome& out);

}  // namespace headgate::preflight

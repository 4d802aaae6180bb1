// SPDX-License-Identifier: LGPL-2.1-or-later
// The pipelines that a node runs by itself (NODE's `instances`), for a person.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <base/json.h>

namespace headgate::cli {

// A line for each, below a title; "" where there is none.
std::string instances_table(const Json& node, int64_t now_utc_us);
// "pipelines 2 running, 1 given-up"; "" where there is none.
std::string instances_summary(const Json& node);
// Of those that somebody should look at, a line each: refused, given up, failing.
std::vector<std::string> instance_notices(const Json& node, int64_t now_utc_us);

}  // namespace headgate::cli

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <pipeline/description.h>

#include <cstdint>
#include <string>
#include <vector>

namespace headgate::preflight {

// How often healthprobe looks at content with these parameters ("NAME=VALUE", the last one counts), in ns, by
// the description's `health` or its elements; 0: never.
int64_t content_interval_ns(const pipeline::Description& description, const std::vector<std::string>& set);

}  // namespace headgate::preflight

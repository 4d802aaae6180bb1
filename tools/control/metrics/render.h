// SPDX-License-Identifier: LGPL-2.1-or-later
// What a node says of itself (NODE of docs/api.md, with `stats` of its processes) as metrics. No
// state, no clock, no sockets.
#pragma once

#include <string>

#include "text.h"

namespace headgate::metrics {

struct Options {
  Format format = Format::prometheus;
  bool per_stream = false;  // a sample for each station as well
};

// What is missing in `node` is missing in the text; "" if it is no JSON object.
std::string render(const std::string& node, const Options& options);

}  // namespace headgate::metrics

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stream_rows.h"

namespace headgate::cli {

// NODE of docs/api.md as lines for a person: one of the node, one for each worker, each pipeline of the
// node's own and each stream.
std::string status_table(const Json& node, int64_t now_utc_us);
std::string streams_table(const std::vector<StreamRow>& rows);
// What somebody should know of the node as a whole, a line each.
std::vector<std::string> node_notices(const Json& node, int64_t now_utc_us);

}  // namespace headgate::cli

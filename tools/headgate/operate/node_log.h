// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <base/result.h>

namespace headgate::cli {

// Where the node that answers at this socket logs to, which is its supervisor's standard error: a file, or
// (empty) the journal. The error says what to do.
Result<std::string> log_of_node(const std::string& socket);

}  // namespace headgate::cli

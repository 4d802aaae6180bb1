// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace headgate::cli {

// NODE of docs/api.md as lines for a person: one of the node, one for each worker and each stream.
std::string status_table(const std::string& json);

}  // namespace headgate::cli

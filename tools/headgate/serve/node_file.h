// SPDX-License-Identifier: LGPL-2.1-or-later
// The supervisor's own files in the runtime folder.
#pragma once

#include <string>

#include <base/result.h>

namespace headgate::serve {

// Whole or not at all, but nothing waits for the disk: it means nothing after a power cut, and the
// supervisor's loop may not stand still. Writes `path`.tmp and renames it.
Result<void> write_node_file(const std::string& path, const std::string& text);

}  // namespace headgate::serve

// SPDX-License-Identifier: LGPL-2.1-or-later
// lta/<event>/VOLUME.json: which volume this is and how often it was opened, so that a swapped disk is
// noticed.
#pragma once

#include <string>

#include <base/result.h>

namespace headgate::store {

// Reads the uuid and adds one to `opens`; makes directory and file when there are none.
Result<std::string> open_identity(const std::string& event_directory, bool durable);
// Nothing is wrong with the file, or there is none yet.
Result<void> check_identity(const std::string& event_directory);

}  // namespace headgate::store

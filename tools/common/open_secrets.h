// SPDX-License-Identifier: LGPL-2.1-or-later
// Files that everybody on the machine can read, though there are secrets in them. Blocking.
#pragma once

#include <string>
#include <vector>

namespace headgate::tools {

// By its mode. False also: it cannot be looked at.
bool everybody_reads(const std::string& path);
// Of a folder's files with this end, those that everybody reads; sorted.
std::vector<std::string> open_files(const std::string& folder, const std::string& end);
// "FILE has secrets, and everybody on this machine can read it: chmod o= FILE"
std::string open_secret_text(const std::string& path);

}  // namespace headgate::tools

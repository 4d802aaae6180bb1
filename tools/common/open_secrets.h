// SPDX-License-Identifier: LGPL-2.1-or-later
// Files with secrets that everybody on the machine can read. Blocking.
#pragma once

#include <string>
#include <vector>

namespace headgate::tools {

inline constexpr size_t kMaxLookedAtBytes = 1 << 20;  // of a file

// By its mode. False also: it cannot be looked at.
bool everybody_reads(const std::string& path);
// Whether everybody reads the file, and in its text stands what is not shown to others (base/masked.h):
// passwords, keys, addresses with more than host and port.
bool is_open_secret(const std::string& path);
// Of a folder's files with this end, those that everybody reads; sorted.
std::vector<std::string> open_files(const std::string& folder, const std::string& end);
// "FILE has secrets, and everybody on this machine can read it: chmod o= FILE"
std::string open_secret_text(const std::string& path);

}  // namespace headgate::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
// A folder of descriptions: every *.json in it; their fragments are in its folder fragments/.
#pragma once

#include <pipeline/description.h>

#include <string>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::pipeline {

inline constexpr size_t kMaxFiles = 256;

// Sorted by name; refused when one of them is no regular file.
Result<std::vector<std::string>> files_in(const std::string& folder);
// Of a file in a folder, in which anything may lie: what is no regular file is refused (EINVAL), and neither
// a pipe's other end nor a device waited for.
Result<ByteVector> read_text(const std::string& path, size_t limit);
// All of them, or what is wrong with any. No two have one name.
Result<std::vector<Description>> load_folder(const std::string& folder);
// The file of the description of this name; a path to a file (with a slash, or ending in .json) is that.
Result<std::string> find_file(const std::string& folder, const std::string& name);

}  // namespace headgate::pipeline

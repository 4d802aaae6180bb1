// SPDX-License-Identifier: LGPL-2.1-or-later
// A folder of descriptions: every *.json in it; their fragments are in its folder fragments/.
#pragma once

#include <pipeline/description.h>

#include <string>
#include <vector>

#include <base/result.h>

namespace headgate::pipeline {

inline constexpr size_t kMaxFiles = 256;

// Sorted by name.
Result<std::vector<std::string>> files_in(const std::string& folder);
// All of them, or what is wrong with any. No two have one name.
Result<std::vector<Description>> load_folder(const std::string& folder);
// The file of the description of this name; a path to a file (with a slash, or ending in .json) is that.
Result<std::string> find_file(const std::string& folder, const std::string& name);

}  // namespace headgate::pipeline

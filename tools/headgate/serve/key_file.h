// SPDX-License-Identifier: LGPL-2.1-or-later
// A file of [SECTION] and KEY=VALUE (GLib's key files), read whole.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <base/result.h>

namespace headgate::serve {

inline constexpr size_t kMaxKeyFileBytes = 64 * 1024;

struct KeyValue {
  std::string section, key, value;
  std::string place;  // "FILE: [SECTION] KEY", for errors
};

// In the file's order. A larger one is refused; the error names the file.
Result<std::vector<KeyValue>> read_key_file(const std::string& path);

}  // namespace headgate::serve

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

// In the file's order. A larger one is refused, and one with a value that is no text of UTF-8; the error
// names the file and shows no value.
Result<std::vector<KeyValue>> read_key_file(const std::string& path);

// Whether the value is not for everybody (base/masked.h): that of a password or a key, by what it is called,
// or an address with more than host and port. The name of a file that is there tells nothing.
bool is_secret(const KeyValue& one);

}  // namespace headgate::serve

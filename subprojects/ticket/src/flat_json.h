// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads what event.json is: one JSON object of strings and unsigned integers. Nesting and escapes do not
// occur in it and are refused, which keeps this library at libsodium alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include <base/result.h>

namespace headgate::ticket {

using FlatJson = std::map<std::string, std::variant<std::string, uint64_t>, std::less<>>;

// The error says where.
Result<FlatJson> parse_flat_json(std::string_view text);

}  // namespace headgate::ticket

// SPDX-License-Identifier: LGPL-2.1-or-later
// What an operator's texts may be: the command line says at once what headgate-control would refuse.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace headgate::tools {

inline constexpr size_t kMaxReasonBytes = 120;     // why something is done; of a kick publishers are shown it
inline constexpr size_t kMaxReconnectBytes = 512;  // of an address

// UTF-8 without control characters.
bool is_plain_text(const std::string& text);

// Where publishers can be asked to go: rtmp:// or rtmps:// and a host, in ASCII without spaces.
bool is_rtmp_address(const std::string& text);

// A session's id: decimal digits, up to UINT64_MAX.
std::optional<uint64_t> session_of_text(const std::string& text);

}  // namespace headgate::tools

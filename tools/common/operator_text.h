// SPDX-License-Identifier: LGPL-2.1-or-later
// What an operator's texts may be: the command line says at once what headgate-control would refuse.
#pragma once

#include <string>

namespace headgate::tools {

inline constexpr size_t kMaxReconnectBytes = 512;  // of an address

// Where publishers can be asked to go: rtmp:// or rtmps:// and a host, in ASCII without spaces.
bool is_rtmp_address(const std::string& text);

}  // namespace headgate::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
// UTF-8 (RFC 3629), one code point at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate {

// The code point at the front of `text`, which is not empty. Returns how many bytes it takes; 0: no UTF-8.
size_t read_utf8(std::string_view text, uint32_t& code_point);
// `code_point`: a scalar value, up to U+10FFFF and no surrogate.
void append_utf8(std::string& out, uint32_t code_point);

}  // namespace headgate

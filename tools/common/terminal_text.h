// SPDX-License-Identifier: LGPL-2.1-or-later
// Texts in a terminal's columns, which are neither bytes nor letters. What strangers named themselves comes
// in here, so no control character leaves.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headgate::tools {

// Valid UTF-8 in which every control character is a space and every wrong byte a question mark.
std::string printable(std::string_view text);
// Columns of a terminal that valid UTF-8 without control characters takes.
size_t width_of(std::string_view text);
// Valid UTF-8 filled with spaces to `width` columns; what is wider stays whole.
std::string padded(std::string text, size_t width);
// Valid UTF-8 in exactly `width` columns, cut or filled with spaces.
std::string fitted(std::string_view text, size_t width, bool right = false);

}  // namespace headgate::tools

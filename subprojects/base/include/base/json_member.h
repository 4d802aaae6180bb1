// SPDX-License-Identifier: LGPL-2.1-or-later
// One member of a large object, without reading the rest: what is passed on as it came need not be a hundred
// times its size in memory (base/json.h).
#pragma once

#include <optional>
#include <string_view>

namespace headgate {

// The value of the outermost object's member of this name, as it stands in the text, without white space
// around it; the first of that name. Nothing: there is none, or the text is no object up to there. The text
// is not held to be JSON otherwise: brackets and quotes alone are looked at. A name that is written with
// escapes is not found.
std::optional<std::string_view> json_member(std::string_view object, std::string_view name);

}  // namespace headgate

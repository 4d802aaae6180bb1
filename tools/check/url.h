// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

namespace headgate::check {

// RFC 3986, 5.2. Nothing when they make no URL.
std::optional<std::string> resolve(const std::string& base, const std::string& reference);
// With "name=value" added to its query.
std::string with_query(const std::string& url, const std::string& directives);
// Without query and fragment.
std::string without_query(const std::string& url);

}  // namespace headgate::check

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

namespace headgate::tools {

// RFC 3339 in UTC with milliseconds: "2026-09-14T06:00:00.000Z".
std::string utc_text(int64_t utc_us);

}  // namespace headgate::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

#include <base/result.h>

namespace headgate::cli {

// A moment as the command line takes it, in Unix seconds: RFC 3339 with its zone (2026-09-14T06:00:00Z), Unix
// seconds, "now", or an offset from `now` such as +6h, -15m (s, m, h, d).
Result<int64_t> parse_time(const std::string& text, int64_t now);

std::string utc_text(int64_t seconds);    // "2026-09-14 06:00 UTC"
std::string about_text(int64_t seconds);  // a length of time: "3 days", "45 minutes"

}  // namespace headgate::cli

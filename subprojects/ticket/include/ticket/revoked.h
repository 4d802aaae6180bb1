// SPDX-License-Identifier: LGPL-2.1-or-later
// A list of tickets that were withdrawn: their ids as events and `headgate ticket show` write them, 32 hex
// digits, one in each line; # begins a comment.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include <base/result.h>
#include <ticket/ticket.h>

namespace headgate::ticket {

inline constexpr size_t kMaxRevokedBytes = 16u << 20;  // of such a file

// In a node's runtime folder: the gate's copy of the list that was right last.
inline constexpr char kRevokedKept[] = "revoked.kept";

// The error names the line. Pure.
Result<std::set<TicketId>> parse_revoked(std::string_view text);
// Of a file, which the error names.
Result<std::set<TicketId>> load_revoked(const std::string& path);

}  // namespace headgate::ticket

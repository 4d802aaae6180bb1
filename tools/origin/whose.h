// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose a connection or a request is, where an address may have only so much.
#pragma once

#include <string>
#include <string_view>

struct sockaddr_storage;

namespace headgate::origin {

// A connection's other end, an IPv4 address or the /64 of an IPv6 address, which one subscriber has; empty:
// this machine's own (127.0.0.1, ::1), which is a proxy, or none at all.
std::string stranger(const sockaddr_storage& remote);
// Likewise of an address as a proxy writes it; what is none stays as it is.
std::string stranger(std::string_view address);

}  // namespace headgate::origin

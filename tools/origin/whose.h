// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose a connection or a request is, where an address may have only so much.
#pragma once

#include <string>

struct sockaddr_storage;

namespace headgate::origin {

// A connection's other end; empty: this machine's own (127.0.0.1, ::1), which is a proxy, or none at all.
std::string stranger(const sockaddr_storage& remote);

}  // namespace headgate::origin

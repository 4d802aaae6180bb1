// SPDX-License-Identifier: LGPL-2.1-or-later
// What a proxy says of the client whose connection it carries: the PROXY protocol, versions 1 (a line of
// text) and 2 (binary), as haproxy's proxy-protocol.txt has it. A pure function.
//
// Stricter than it has to be: no version 2 header of more than kMaxProxyHeader bytes (senders keep to one
// network packet), and TLVs must fill what is left of the header exactly. They are skipped, but a CRC32c is
// held to the header.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <optional>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::ingest {

inline constexpr size_t kMaxProxyLine = 107;  // of version 1, with CR LF (section 2.1)
inline constexpr size_t kMaxProxyHeader = 4096;

struct ProxyHeader {
  size_t size = 0;  // bytes that it takes
  // None: the connection is the proxy's own (LOCAL), or it does not know (UNKNOWN, UNSPEC), or the client
  // came through something that is not TCP over IP: the connection's own address holds.
  std::optional<sockaddr_storage> client;
  bool local = false;  // LOCAL
};

// `data` is what a connection begins with. Nothing: more of it is needed, and it is shorter than
// kMaxProxyHeader. An error is final.
Result<std::optional<ProxyHeader>> parse_proxy_header(Bytes data);

}  // namespace headgate::ingest

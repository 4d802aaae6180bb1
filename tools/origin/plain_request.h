// SPDX-License-Identifier: LGPL-2.1-or-later
// The request that players and caches send again and again: GET or HEAD of a playlist or of media under
// /hls/ or /dash/, whole, with nothing that the answer would depend on (RFC 9112). What is written in any
// other way is libsoup's to understand.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace headgate::origin {

// Pages of other hosts may play it.
inline bool is_public_media(std::string_view path) {
  return path.starts_with("/hls/") || path.starts_with("/dash/");
}
inline constexpr size_t kMaxPathBytes = 256;
inline constexpr size_t kMaxAddressBytes = 45;  // of an IPv6 address with an IPv4 one at its end
inline constexpr size_t kMaxPlainBytes = 4096;  // of a request; a longer one is not plain

struct PlainRequest {
  // In the bytes given. Letters, digits, "/", "-", "_" and "." only.
  std::string_view path;
  // Behind the "?"; empty: none. Delivery directives (RFC 8216bis, 6.2.5): begins with "_HLS_", and has no
  // escapes.
  std::string_view query;
  bool head = false;   // HEAD, not GET
  bool close = false;  // the client wants the connection closed
  bool gzip = false;   // accepts_gzip()
  // forwarded_for() of the last such header: to be believed of a proxy only.
  std::string_view forwarded_for;
  size_t size = 0;  // up to and with the empty line
};

// Whether an Accept-Encoding's value takes gzip (RFC 9110, 12.5.3).
bool accepts_gzip(std::string_view value);

// The last address in an X-Forwarded-For's value: that which the proxy next to us has seen. Empty: it is
// none.
std::string_view forwarded_for(std::string_view value);

// The first request in `bytes`; none when it is not plain or not whole.
std::optional<PlainRequest> plain_request(std::string_view bytes);

}  // namespace headgate::origin

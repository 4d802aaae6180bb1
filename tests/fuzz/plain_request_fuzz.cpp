// SPDX-License-Identifier: LGPL-2.1-or-later
#include <plain_request.h>

#include <cstdint>
#include <cstdlib>
#include <string>

using namespace headgate::origin;

// What is plain is plain whatever follows it, and all of it is inside of what was given.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  auto request = plain_request(bytes);
  if (!request) return 0;
  if (request->size > bytes.size() || request->size > kMaxPlainBytes) std::abort();
  if (request->path.size() > kMaxPathBytes || !is_public_media(request->path)) std::abort();
  if (request->path.data() < bytes.data() ||
      request->path.data() + request->path.size() > bytes.data() + request->size)
    std::abort();
  if (!request->query.empty() && (!request->query.starts_with("_HLS_") ||
                                  request->query.data() != request->path.data() + request->path.size() + 1))
    std::abort();
  if (request->forwarded_for.size() > kMaxAddressBytes ||
      bytes.substr(0, request->size).find(request->forwarded_for) == std::string::npos)
    std::abort();
  if (!bytes.substr(0, request->size).ends_with("\r\n\r\n")) std::abort();
  if (plain_request(bytes.substr(0, request->size - 1))) std::abort();
  const std::string more = bytes.substr(0, request->size) + "GET / HTTP/1.1\r\n\r\n";
  auto again = plain_request(more);
  if (!again || again->size != request->size || again->path != request->path ||
      again->query != request->query || again->head != request->head || again->close != request->close ||
      again->forwarded_for != request->forwarded_for)
    std::abort();
  return 0;
}

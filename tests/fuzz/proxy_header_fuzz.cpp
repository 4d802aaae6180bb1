// SPDX-License-Identifier: LGPL-2.1-or-later
// What a connection to a port behind a proxy begins with. What is decided must not depend on how much
// follows, and every beginning of a good header must ask for more.
#include <ingest/peer.h>
#include <ingest/proxy_header.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using headgate::ingest::kMaxProxyHeader;
  using headgate::ingest::parse_proxy_header;
  const headgate::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto whole = parse_proxy_header(bytes);
  if (!whole) return 0;
  if (!*whole) {
    if (size >= kMaxProxyHeader) std::abort();
    return 0;
  }
  const size_t used = (*whole)->size;
  if (used == 0 || used > size || used > kMaxProxyHeader) std::abort();
  const auto exact = parse_proxy_header(bytes.first(used));
  if (!exact || !*exact || (*exact)->size != used) std::abort();
  for (size_t front = 0; front < used; front += std::max<size_t>(1, used / 16)) {
    const auto cut = parse_proxy_header(bytes.first(front));
    if (!cut || *cut) std::abort();
  }
  if ((*whole)->client && headgate::ingest::make_peer(*(*whole)->client).address == "local") std::abort();
  return 0;
}

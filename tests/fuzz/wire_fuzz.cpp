// SPDX-License-Identifier: LGPL-2.1-or-later
// One packet of a node's sockets. What decodes must encode to the same bytes.
#include <wire/messages.h>

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  headgate::Bytes packet(reinterpret_cast<const std::byte*>(data), size);
  auto message = headgate::wire::decode(packet);
  if (!message) return 0;
  headgate::ByteVector again;
  headgate::wire::encode(*message, again);
  if (again.size() != size || std::memcmp(again.data(), data, size) != 0) std::abort();
  return 0;
}

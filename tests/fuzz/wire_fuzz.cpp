// SPDX-License-Identifier: LGPL-2.1-or-later
// One packet of a node's sockets: a message, or a bundle of them. What decodes must encode to the same bytes.
#include <wire/messages.h>

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  headgate::Bytes packet(reinterpret_cast<const std::byte*>(data), size);
  auto messages = headgate::wire::decode_packet(packet);
  if (!messages) return 0;
  const bool bundle = data[0] == 0;
  headgate::ByteVector again;
  if (bundle) again.push_back(std::byte{0});
  for (const auto& message : *messages) {
    headgate::ByteVector one;
    headgate::wire::encode(message, one);
    headgate::ByteWriter writer(again);
    if (bundle) writer.u32(static_cast<uint32_t>(one.size()));
    writer.bytes(one);
  }
  if (again.size() != size || std::memcmp(again.data(), data, size) != 0) std::abort();
  return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// One packet of a node's sockets: a greeting, a message, or a bundle of them, of a peer of each age. What
// decodes as our own version's must encode to the same bytes, and be understood of the others as well.
#include <wire/messages.h>

#include <cstdint>
#include <cstdlib>

namespace {

namespace wire = headgate::wire;

void expect(bool holds) {
  if (!holds) std::abort();
}

headgate::ByteVector encoded(const std::vector<wire::Message>& messages, bool bundle) {
  headgate::ByteVector out;
  if (bundle) out.push_back(std::byte{0});
  for (const auto& message : messages) {
    headgate::ByteVector one;
    wire::encode(message, one);
    headgate::ByteWriter writer(out);
    if (bundle) writer.u32(static_cast<uint32_t>(one.size()));
    writer.bytes(one);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const headgate::Bytes packet(reinterpret_cast<const std::byte*>(data), size);
  if (const auto version = wire::read_greeting(packet)) {
    const auto again = wire::greeting(*version);
    expect(std::memcmp(again.data(), data, again.size()) == 0);
    expect(!wire::decode_packet(packet));
    return 0;
  }
  const auto same = wire::decode_packet(packet);
  const auto newer = wire::decode_packet(packet, wire::Age::newer);
  const auto older = wire::decode_packet(packet, wire::Age::older);
  if (!same) return 0;
  expect(newer && *newer == *same && older && *older == *same);
  const auto again = encoded(*same, data[0] == 0);
  expect(again.size() == size && std::memcmp(again.data(), data, size) == 0);
  return 0;
}

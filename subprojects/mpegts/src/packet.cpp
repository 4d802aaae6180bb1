// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packet.h"

#include <algorithm>

namespace headgate::mpegts {

std::optional<Packet> parse_packet(Bytes data) {
  ByteReader reader(data);
  reader.skip(1);
  const uint16_t flags = reader.u16();
  const uint8_t control = reader.u8();
  const bool transport_error = flags & 0x8000, scrambled = control & 0xc0;
  const bool has_field = control & 0x20, has_payload = control & 0x10;
  if (transport_error || scrambled || (!has_field && !has_payload)) return std::nullopt;
  Packet packet;
  packet.start = flags & 0x4000;
  packet.pid = flags & 0x1fff;
  packet.counter = control & 0x0f;
  if (has_field) {
    ByteReader field(reader.bytes(reader.u8()));
    if (!reader.ok()) return std::nullopt;
    if (field.remaining() > 0) packet.discontinuity = field.u8() & 0x80;
  }
  if (has_payload) packet.payload = reader.rest();
  return packet;
}

Continuity::Step Continuity::step(const Packet& packet) {
  const bool same_counter = last_ == packet.counter;
  const bool next = !last_ || packet.counter == ((*last_ + 1) & 0x0f);
  if (same_counter && std::equal(packet.payload.begin(), packet.payload.end(), payload_.begin(),
                                 payload_.begin() + static_cast<std::ptrdiff_t>(size_)))
    return Step::duplicate;
  last_ = packet.counter;
  size_ = packet.payload.size();
  std::copy(packet.payload.begin(), packet.payload.end(), payload_.begin());
  if (next) return Step::next;
  return packet.discontinuity ? Step::restart : Step::gap;
}

}  // namespace headgate::mpegts

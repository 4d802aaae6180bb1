// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include <base/encoding.h>
#include <ticket/ticket.h>

namespace headgate::ticket {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint16_t kKnownFlags = 0x00ff;
constexpr uint16_t kKnownCodecs = kH264 | kH265 | kAv1 | kAac | kOpus;
constexpr int kReservedTakeoverPolicy = 3;

Unexpected malformed(const std::string& what) {
  return Unexpected(kBadRequest, "MALFORMED: " + what);
}

}  // namespace

std::string Ticket::wire_text() const {
  return to_base64url(wire);
}

Result<Ticket> parse_wire(std::string_view base64url) {
  if (base64url.size() != kWireTextSize)
    return malformed("a ticket has " + std::to_string(kWireTextSize) + " characters, this one has " +
                     std::to_string(base64url.size()) + ". Copy the whole stream key again.");
  auto wire = from_base64url(base64url);
  if (!wire) return malformed("a character that no ticket has. Copy the whole stream key again.");
  return parse_wire(Bytes(*wire));
}

Result<Ticket> parse_wire(Bytes wire) {
  if (wire.size() != kWireSize)
    return malformed("a ticket has " + std::to_string(kWireSize) + " bytes, this one has " +
                     std::to_string(wire.size()) + ".");
  Ticket ticket;
  ByteReader reader(wire);
  if (uint8_t version = reader.u8(); version != kVersion)
    return malformed("ticket version " + std::to_string(version) + " is not known here, only 1.");
  ticket.kid = reader.u8();
  std::ranges::copy(reader.bytes(ticket.tid.size()), ticket.tid.begin());
  ticket.event = reader.u32();
  ticket.station = reader.u32();
  ticket.not_before = reader.u32();
  ticket.expires = reader.u32();
  ticket.flags = reader.u16();
  ticket.max_kbps = reader.u16();
  ticket.codecs = reader.u16();
  std::ranges::copy(reader.bytes(ticket.hints_hash.size()), ticket.hints_hash.begin());
  std::ranges::copy(wire, ticket.wire.begin());
  if ((ticket.flags & ~kKnownFlags) != 0 || (ticket.codecs & ~kKnownCodecs) != 0 ||
      ticket.takeover_policy() == kReservedTakeoverPolicy)
    return malformed("reserved bits are set; this node may be too old for this ticket.");
  return ticket;
}

}  // namespace headgate::ticket

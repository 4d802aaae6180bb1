// SPDX-License-Identifier: LGPL-2.1-or-later
// What a ticket's QR code holds: W, the secret seed and the hints, in the clear or sealed with the event's
// fleet key, and the text around it (docs/tickets.md, "The QR code"). Pure functions. Error.code of all:
// kBadRequest.
#pragma once

#include <map>

#include <ticket/hints.h>
#include <ticket/ticket.h>

namespace headgate::ticket {

// An issued code must stay readable on paper: 230 bytes is QR version 15 at error correction Q.
inline constexpr size_t kMaxBlobSize = 230;
inline constexpr size_t kMaxQrTextSize = 1024;  // longest text looked at when parsing

enum class Seal : uint8_t { kNone = 0, kFleet = 1 };  // 2, a PIN, is defined by LT1 and not used

using FleetKeys = std::map<uint8_t, Key>;  // by the id in the code

// What can be read without a key.
struct QrHead {
  uint8_t kid = 0;
  Seal seal = Seal::kNone;
  uint8_t fleet = 0;  // which fleet key; 0 when nothing is sealed
  TicketId tid{};
};
Result<QrHead> read_qr_head(Bytes blob);

struct QrTicket {
  Ticket ticket;
  Seed seed{};
  Hints hints;
};
// Opens the seal, checks W's form and that seed and hints are those that W was signed with. The signature is
// the caller's to check (signature_fits, Verifier).
Result<QrTicket> open_qr(Bytes blob, const FleetKeys& fleet_keys);

// What W carries about seed and hints.
std::array<std::byte, 16> hash_hints(const Seed& seed, Bytes hints);

// "HTTPS://HOST/#LT1.<base32>", capitals throughout so that a QR code can use its alphanumeric mode.
std::string qr_text(std::string_view host, Bytes blob);
// The blob in such a text. White space is ignored, lower case is as good; the part up to '#' may be missing.
Result<ByteVector> parse_qr_text(std::string_view text);

}  // namespace headgate::ticket

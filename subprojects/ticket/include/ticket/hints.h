// SPDX-License-Identifier: LGPL-2.1-or-later
// What a QR code tells the phone beside the right to publish: where to connect, and the station's name. A row
// of TLVs, bound to the ticket by Ticket::hints_hash (docs/tickets.md, "Hints"). Pure functions.
#pragma once

#include <optional>
#include <vector>

#include <ticket/ticket.h>

namespace headgate::ticket {

inline constexpr size_t kMaxLabelSize = 60;  // bytes of a station's name
inline constexpr size_t kMaxHostSize = 253;

enum class Protocol : uint8_t { kSrt = 1, kRtmps = 2, kRtmp = 3, kWhip = 4 };

struct Endpoint {
  Protocol protocol = Protocol::kRtmp;
  std::string host;  // a name, an IPv4 address, or an IPv6 address without brackets
  uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

// Where to connect when names cannot be resolved.
struct Fallback {
  std::array<std::byte, 4> ipv4{};
  uint16_t port = 0;
  bool operator==(const Fallback&) const = default;
};

struct Hints {
  std::vector<Endpoint> endpoints;  // in the order to try them
  std::string label;                // UTF-8 without control characters
  std::vector<Fallback> fallbacks;
  std::optional<std::array<std::byte, 32>> pin;  // SHA-256 of the endpoints' key (SPKI)
  bool operator==(const Hints&) const = default;
};

// Error.code kBadRequest: what cannot be written (name too long or not UTF-8, not a host, port 0).
Result<ByteVector> encode_hints(const Hints& hints);
// Types and protocols from the future are skipped; anything cut short or outside the limits is an error.
Result<Hints> decode_hints(Bytes tlvs);

}  // namespace headgate::ticket

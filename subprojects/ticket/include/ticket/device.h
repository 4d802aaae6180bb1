// SPDX-License-Identifier: LGPL-2.1-or-later
// A device's own key: an app makes one for itself and signs with it, for each attempt to publish, a counter
// that only grows and the endpoint that it connects to (docs/tickets.md, "Devices"). Whoever has the ticket's
// secret but another key is another device. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <ticket/ticket.h>

namespace headgate::ticket {

// As sent; nothing of it is checked.
struct DeviceProof {
  Key key{};  // Ed25519, public
  uint64_t counter = 0;
  std::array<std::byte, 64> signature{};
  bool operator==(const DeviceProof&) const = default;
};

// One that has proved its key.
struct Device {
  Key key{};
  uint64_t counter = 0;
  bool operator==(const Device&) const = default;
};

// `key`: base64url, 43 characters; `proof`: base64url of counter (8 bytes, big-endian) and signature, 96.
std::optional<DeviceProof> parse_device_proof(std::string_view key, std::string_view proof);

// SHA-256 of an endpoint as tickets name it: "host:port", the host in lower case.
using EndpointHash = std::array<std::byte, 32>;
// Error: not HOST:PORT (an IPv6 address without brackets, port 0).
Result<EndpointHash> endpoint_hash(std::string_view endpoint);

// The signature is over "LT1 dev\0" || W[0..56) || counter || endpoint; strict as signature_fits().
bool device_signature_fits(const Ticket& ticket, const DeviceProof& proof, const EndpointHash& endpoint);

// What proves the seed where there is no challenge and no passphrase:
// BLAKE2b-128(seed, "LT1 pop\0" || W[0..56) || device key || counter).
using PossessionMac = std::array<std::byte, 16>;
PossessionMac possession_mac(const Seed& seed, const Ticket& ticket, const DeviceProof& proof);

}  // namespace headgate::ticket

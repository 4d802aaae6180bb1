// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ticket/device.h>

#include <algorithm>
#include <charconv>

#include <base/encoding.h>
#include <base/sha256.h>

#include "crypto.h"

namespace headgate::ticket {
namespace {

constexpr size_t kMaxHostSize = 253;

template <size_t size>
bool decode_into(std::string_view text, std::array<std::byte, size>& out) {
  auto bytes = from_base64url(text);
  if (!bytes || bytes->size() != size) return false;
  std::ranges::copy(*bytes, out.begin());
  return true;
}

ByteVector counter_bytes(uint64_t counter) {
  ByteVector out;
  ByteWriter(out).u64(counter);
  return out;
}

}  // namespace

std::optional<DeviceProof> parse_device_proof(std::string_view key, std::string_view proof) {
  DeviceProof out;
  std::array<std::byte, sizeof out.counter + sizeof out.signature> signed_counter{};
  if (!decode_into(key, out.key) || !decode_into(proof, signed_counter)) return std::nullopt;
  ByteReader reader(signed_counter);
  out.counter = reader.u64();
  std::ranges::copy(reader.rest(), out.signature.begin());
  return out;
}

Result<EndpointHash> endpoint_hash(std::string_view endpoint) {
  const size_t colon = endpoint.rfind(':');
  const std::string_view host = endpoint.substr(0, colon);
  const std::string_view digits = colon == endpoint.npos ? "" : endpoint.substr(colon + 1);
  uint16_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (host.empty() || host.size() > kMaxHostSize || error != std::errc() ||
      end != digits.data() + digits.size() || port == 0 || (host.find(':') != host.npos && !bracketed))
    return Unexpected("'" + std::string(endpoint) + "' is not HOST:PORT");
  std::string name(host);
  std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return sha256(as_bytes(name + ":" + std::to_string(port)));
}

bool device_signature_fits(const Ticket& ticket, const DeviceProof& proof, const EndpointHash& endpoint) {
  ByteVector message;
  ByteWriter writer(message);
  writer.bytes(domain(kDeviceDomain));
  writer.bytes(Bytes(ticket.wire).first(kSignedSize));
  writer.u64(proof.counter);
  writer.bytes(endpoint);
  return signature_fits(proof.signature, message, proof.key);
}

PossessionMac possession_mac(const Seed& seed, const Ticket& ticket, const DeviceProof& proof) {
  PossessionMac out;
  blake2b(out, seed,
          {domain(kPossessionDomain), Bytes(ticket.wire).first(kSignedSize), proof.key,
           counter_bytes(proof.counter)});
  return out;
}

}  // namespace headgate::ticket

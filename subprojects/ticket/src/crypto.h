// SPDX-License-Identifier: LGPL-2.1-or-later
// libsodium behind our types. Every function here may be called from any thread.
#pragma once

#include <initializer_list>
#include <optional>

#include <ticket/ticket.h>

namespace headgate::ticket {

// Domain separation of LT1: the texts with their terminating zero byte.
inline constexpr char kTicketDomain[] = "LT1 ticket";
inline constexpr char kHintsDomain[] = "LT1 hints";
inline constexpr char kSeedDomain[] = "LT1 seed";
inline constexpr char kSrtDomain[] = "LT1 srt";
inline constexpr char kDeviceDomain[] = "LT1 dev";
inline constexpr char kPossessionDomain[] = "LT1 pop";

inline constexpr size_t kSignatureSize = 64;
inline constexpr size_t kSealOverhead = 16;
using Nonce = std::array<std::byte, 24>;

// Initialises libsodium, once for the process. Constructors and key readers call it.
void require_sodium();

// BLAKE2b over the pieces one after the other, without a key when `key` is empty; out.size() is 16 to 64.
void blake2b(std::span<std::byte> out, Bytes key, std::initializer_list<Bytes> pieces);

// A domain text's bytes with its zero.
template <size_t N>
Bytes domain(const char (&text)[N]) {
  return std::as_bytes(std::span(text, N));
}

// Ed25519 over kTicketDomain || W[0..56). `issuer_seed` is RFC 8032's 32-byte private key.
void sign_wire(std::array<std::byte, kWireSize>& wire, const Key& issuer_seed);
Key public_key_of(const Key& issuer_seed);

// Strict, as signature_fits() of a ticket. `signature` has kSignatureSize bytes.
bool signature_fits(Bytes signature, Bytes message, const Key& public_key);

// XChaCha20-Poly1305 (IETF). open() is empty-handed when anything was altered.
ByteVector seal(const Key& key, const Nonce& nonce, Bytes head, Bytes body);
std::optional<ByteVector> open_sealed(const Key& key, const Nonce& nonce, Bytes head, Bytes sealed);

void random_bytes(std::span<std::byte> out);
void wipe(std::span<std::byte> secret);

}  // namespace headgate::ticket

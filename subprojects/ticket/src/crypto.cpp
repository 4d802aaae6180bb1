// SPDX-License-Identifier: LGPL-2.1-or-later
#include "crypto.h"

#include <sodium.h>

#include <cstdlib>

#include <ticket/secret.h>
#include <ticket/verifier.h>

namespace headgate::ticket {
namespace {

unsigned char* raw(std::byte* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

using SignedMessage = std::array<std::byte, sizeof kTicketDomain + kSignedSize>;

SignedMessage signed_message(Bytes wire) {
  SignedMessage message;
  std::memcpy(message.data(), kTicketDomain, sizeof kTicketDomain);
  std::memcpy(message.data() + sizeof kTicketDomain, wire.data(), kSignedSize);
  return message;
}

}  // namespace

void require_sodium() {
  // It fails only when the system has no source of random numbers, and then nothing here is safe to go on
  // with.
  static const bool ready = sodium_init() >= 0;
  if (!ready) std::abort();
}

void blake2b(std::span<std::byte> out, Bytes key, std::initializer_list<Bytes> pieces) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, key.empty() ? nullptr : raw(key.data()), key.size(), out.size());
  for (Bytes piece : pieces) crypto_generichash_update(&state, raw(piece.data()), piece.size());
  crypto_generichash_final(&state, raw(out.data()), out.size());
  sodium_memzero(&state, sizeof state);
}

bool signature_fits(Bytes signature, Bytes message, const Key& public_key) {
  require_sodium();
  return crypto_sign_verify_detached(raw(signature.data()), raw(message.data()), message.size(),
                                     raw(public_key.data())) == 0;
}

bool signature_fits(const Ticket& ticket, const Key& issuer_public) {
  return signature_fits(Bytes(ticket.wire).subspan(kSignedSize), signed_message(ticket.wire), issuer_public);
}

void sign_wire(std::array<std::byte, kWireSize>& wire, const Key& issuer_seed) {
  require_sodium();
  std::array<std::byte, crypto_sign_SECRETKEYBYTES> secret;
  Key issuer_public;
  crypto_sign_seed_keypair(raw(issuer_public.data()), raw(secret.data()), raw(issuer_seed.data()));
  SignedMessage message = signed_message(wire);
  crypto_sign_detached(raw(wire.data() + kSignedSize), nullptr, raw(message.data()), message.size(),
                       raw(secret.data()));
  wipe(secret);
}

Key public_key_of(const Key& issuer_seed) {
  require_sodium();
  std::array<std::byte, crypto_sign_SECRETKEYBYTES> secret;
  Key issuer_public;
  crypto_sign_seed_keypair(raw(issuer_public.data()), raw(secret.data()), raw(issuer_seed.data()));
  wipe(secret);
  return issuer_public;
}

ByteVector seal(const Key& key, const Nonce& nonce, Bytes head, Bytes body) {
  require_sodium();
  ByteVector sealed(body.size() + kSealOverhead);
  crypto_aead_xchacha20poly1305_ietf_encrypt(raw(sealed.data()), nullptr, raw(body.data()), body.size(),
                                             raw(head.data()), head.size(), nullptr, raw(nonce.data()),
                                             raw(key.data()));
  return sealed;
}

std::optional<ByteVector> open_sealed(const Key& key, const Nonce& nonce, Bytes head, Bytes sealed) {
  require_sodium();
  if (sealed.size() < kSealOverhead) return std::nullopt;
  ByteVector body(sealed.size() - kSealOverhead);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(raw(body.data()), nullptr, nullptr, raw(sealed.data()),
                                                 sealed.size(), raw(head.data()), head.size(),
                                                 raw(nonce.data()), raw(key.data())) != 0)
    return std::nullopt;
  return body;
}

void random_bytes(std::span<std::byte> out) {
  require_sodium();
  randombytes_buf(out.data(), out.size());
}

void wipe(std::span<std::byte> secret) {
  sodium_memzero(secret.data(), secret.size());
}

bool same_secret(Bytes a, Bytes b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace headgate::ticket

// SPDX-License-Identifier: LGPL-2.1-or-later
// An app's device as docs/tickets.md describes it, made with OpenSSL: none of it is the library's.
#pragma once

#include <base/encoding.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <ticket/ticket.h>

#include <array>
#include <memory>
#include <string>

namespace headgate::ingest::test {

class DeviceKey {
 public:
  DeviceKey() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free) {}

  std::string public_text() const { return to_base64url(public_key()); }
  std::array<std::byte, 32> public_key() const {
    std::array<std::byte, 32> out{};
    size_t size = out.size();
    EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(out.data()), &size);
    return out;
  }
  std::string proof_text(const ticket::Ticket& ticket, uint64_t counter, const std::string& endpoint) const {
    ByteVector proof, message;
    ByteWriter(proof).u64(counter);
    ByteWriter writer(message);
    writer.bytes(std::as_bytes(std::span("LT1 dev")));  // with its zero
    writer.bytes(Bytes(ticket.wire).first(56));
    writer.u64(counter);
    std::array<unsigned char, 32> hash;
    SHA256(reinterpret_cast<const unsigned char*>(endpoint.data()), endpoint.size(), hash.data());
    writer.bytes(std::as_bytes(std::span(hash)));
    std::array<unsigned char, 64> signature;
    size_t size = signature.size();
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get());
    EVP_DigestSign(context.get(), signature.data(), &size,
                   reinterpret_cast<const unsigned char*>(message.data()), message.size());
    ByteWriter(proof).bytes(std::as_bytes(std::span(signature)));
    return to_base64url(proof);
  }

 private:
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

}  // namespace headgate::ingest::test

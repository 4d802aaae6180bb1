// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/sha256.h>

#include <openssl/evp.h>

#include <new>
#include <utility>

namespace headgate {
namespace {

EVP_MD_CTX* context_of(void* context) {
  return static_cast<EVP_MD_CTX*>(context);
}

// Fetched once: EVP_sha256() costs a fetch by name at each init in OpenSSL 3.
const EVP_MD* algorithm() {
  static EVP_MD* md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md != nullptr ? md : EVP_sha256();
}

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr || EVP_DigestInit_ex2(context_of(context_), algorithm(), nullptr) != 1)
    throw std::bad_alloc();
}

Sha256::Sha256(Sha256&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}

Sha256& Sha256::operator=(Sha256&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}

Sha256::~Sha256() {
  EVP_MD_CTX_free(context_of(context_));
}

void Sha256::update(Bytes bytes) {
  EVP_DigestUpdate(context_of(context_), bytes.data(), bytes.size());
}

Digest Sha256::finish() {
  Digest digest;
  EVP_DigestFinal_ex(context_of(context_), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  EVP_DigestInit_ex2(context_of(context_), algorithm(), nullptr);
  return digest;
}

Digest sha256(Bytes bytes) {
  thread_local Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

}  // namespace headgate

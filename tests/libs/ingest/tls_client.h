// SPDX-License-Identifier: LGPL-2.1-or-later
// Certificates made on the spot, and a TLS client that does not wait.
#pragma once

#include <base/unique_fd.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <memory>
#include <string>

namespace headgate::ingest::test {

struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyFree>;

inline KeyPtr new_key() {
  return KeyPtr(EVP_EC_gen("P-256"));
}

struct CertificateFiles {
  std::string certificate, key;
};

// A certificate for `name` that is its own issuer, in FOLDER/cert.pem, and its key, in FOLDER/key.pem, or
// what is given instead of that. `begins` and `ends` are Unix seconds.
inline CertificateFiles write_certificate(const std::string& folder, const std::string& name, int64_t begins,
                                          int64_t ends, EVP_PKEY* other_key = nullptr) {
  KeyPtr key = new_key();
  std::unique_ptr<X509, decltype(&X509_free)> own(X509_new(), X509_free);
  X509_set_version(own.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(own.get()), 1);
  ASN1_TIME_set(X509_getm_notBefore(own.get()), begins);
  ASN1_TIME_set(X509_getm_notAfter(own.get()), ends);
  X509_set_pubkey(own.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(own.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(own.get(), subject);
  EXPECT_GT(X509_sign(own.get(), key.get(), EVP_sha256()), 0);
  CertificateFiles out{folder + "/cert.pem", folder + "/key.pem"};
  std::unique_ptr<FILE, decltype(&std::fclose)> file(std::fopen(out.certificate.c_str(), "w"), std::fclose);
  EXPECT_EQ(PEM_write_X509(file.get(), own.get()), 1);
  file.reset(std::fopen(out.key.c_str(), "w"));
  EVP_PKEY* written = other_key ? other_key : key.get();
  EXPECT_EQ(PEM_write_PrivateKey(file.get(), written, nullptr, nullptr, 0, nullptr, nullptr), 1);
  return out;
}

// Over a connected, non-blocking socket.
class TlsClient {
 public:
  explicit TlsClient(UniqueFd socket, int version = TLS1_3_VERSION, const char* groups = nullptr)
      : socket_(std::move(socket)), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
    if (groups) SSL_CTX_set1_groups_list(context_.get(), groups);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_.get());
    SSL_set_connect_state(ssl_.get());
  }

  // As recv(2) and send(2) on a non-blocking socket: -1 has to wait or is broken, then failed() says which.
  ssize_t receive(void* into, size_t size) {
    return result_of(SSL_read(ssl_.get(), into, static_cast<int>(size)));
  }
  ssize_t send(const void* from, size_t size) {
    return result_of(SSL_write(ssl_.get(), from, static_cast<int>(size)));
  }
  bool connected() {
    if (!SSL_is_init_finished(ssl_.get())) result_of(SSL_do_handshake(ssl_.get()));
    return SSL_is_init_finished(ssl_.get());
  }
  bool failed() const { return failed_; }
  void finish() { SSL_shutdown(ssl_.get()); }  // close_notify, and still reads
  bool peer_finished() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  int version() const { return SSL_version(ssl_.get()); }
  int fd() const { return socket_.get(); }
  SSL* ssl() { return ssl_.get(); }
  std::string server_name() const {  // of the certificate that was shown
    std::unique_ptr<X509, decltype(&X509_free)> shown(SSL_get1_peer_certificate(ssl_.get()), X509_free);
    char name[256] = "";
    if (shown)
      X509_NAME_get_text_by_NID(X509_get_subject_name(shown.get()), NID_commonName, name, sizeof name);
    return name;
  }

 private:
  struct SslFree {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  ssize_t result_of(int result) {
    if (result > 0) return result;
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) failed_ = true;
    ERR_clear_error();
    return -1;
  }

  UniqueFd socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, SslFree> ssl_;
  bool failed_ = false;
};

}  // namespace headgate::ingest::test

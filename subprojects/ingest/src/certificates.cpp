// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/bytes.h>
#include <base/io.h>
#include <ingest/certificates.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>

namespace headgate::ingest {
namespace {

// Ephemeral keys and authenticated encryption only; what TLS 1.3 has is that anyway.
constexpr char kCiphers12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
// Without the groups that cost a stranger nothing and this process milliseconds.
constexpr char kGroups[] = "X25519:P-256:P-384";

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

std::string reason() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text ? text : "unknown error";
}

BioPtr memory_of(const ByteVector& bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// No terminal is asked for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

int64_t unix_seconds(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

struct Validity {
  int64_t begins, ends;
};

Result<Validity> use_chain(SSL_CTX* context, const ByteVector& pem) {
  BioPtr bio = memory_of(pem);
  X509Ptr own(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr));
  if (!own) return Unexpected("no certificate in PEM form: " + reason());
  if (SSL_CTX_use_certificate(context, own.get()) != 1) return Unexpected(reason());
  for (;;) {
    X509Ptr next(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (!next) break;
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1) return Unexpected(reason());
    [[maybe_unused]] X509* taken = next.release();
  }
  // The end of the file is told as an error, too.
  const unsigned long last = ERR_peek_last_error();
  if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
    return Unexpected("a certificate of the chain does not parse: " + reason());
  ERR_clear_error();
  return Validity{unix_seconds(X509_get0_notBefore(own.get())), unix_seconds(X509_get0_notAfter(own.get()))};
}

std::string untimely(int64_t begins, int64_t ends, int64_t now) {
  if (now < begins) return "the certificate's time has not come";
  if (now > ends) return "the certificate has expired";
  return "";
}

Result<void> use_key(SSL_CTX* context, const ByteVector& pem) {
  KeyPtr key(PEM_read_bio_PrivateKey(memory_of(pem).get(), nullptr, no_passphrase, nullptr));
  if (!key) return Unexpected("no private key in PEM form without a passphrase: " + reason());
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return Unexpected("not the certificate's key: " + reason());
  return {};
}

std::shared_ptr<SSL_CTX> new_context() {
  std::shared_ptr<SSL_CTX> out(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!out) return out;
  SSL_CTX_set_min_proto_version(out.get(), TLS1_2_VERSION);
  if (SSL_CTX_set_cipher_list(out.get(), kCiphers12) != 1) return nullptr;
  if (SSL_CTX_set1_groups_list(out.get(), kGroups) != 1) return nullptr;
  // A client that goes without close_notify is as gone as one that sends it: RTMP says itself where it ends.
  SSL_CTX_set_options(out.get(),
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(out.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Tickets keep the sessions with the clients; not in TLS 1.3, where they come behind the handshake: librtmp
  // with GnuTLS takes them for an error.
  SSL_CTX_set_session_cache_mode(out.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(out.get(), 0);
  return out;
}

}  // namespace

Result<void> Certificates::load() {
  if (auto read = reload(true); !read) return Unexpected(read.error());
  return {};
}

Result<bool> Certificates::reload(bool always) {
  // Before reading: what comes after is seen the next time.
  const FileStamp certificate_stamp = stamp_of(certificate_path_), key_stamp = stamp_of(key_path_);
  if (!always && certificate_stamp == certificate_stamp_ && key_stamp == key_stamp_) return false;
  certificate_stamp_ = certificate_stamp;
  key_stamp_ = key_stamp;
  auto certificate = read_file(certificate_path_, kMaxFileBytes);
  if (!certificate) return Unexpected(certificate.error());
  auto key = read_file(key_path_, kMaxFileBytes);
  if (!key) return Unexpected(key.error());
  auto fresh = new_context();
  if (!fresh) return Unexpected("TLS: " + reason());
  auto validity = use_chain(fresh.get(), *certificate);
  if (!validity) return Unexpected(certificate_path_ + ": " + validity.error().message);
  // Better than none, not better than another one.
  if (auto text = untimely(validity->begins, validity->ends, clock_.utc_seconds());
      !text.empty() && context())
    return Unexpected(certificate_path_ + ": " + text);
  if (auto fits = use_key(fresh.get(), *key); !fits)
    return Unexpected(key_path_ + ": " + fits.error().message);
  begins_ = validity->begins;
  expires_ = validity->ends;
  context_.lock()->swap(fresh);
  return true;
}

std::string Certificates::complaint() const {
  return context() ? untimely(begins_, expires_, clock_.utc_seconds()) : "";
}

std::shared_ptr<SSL_CTX> Certificates::context() const {
  return *context_.lock();
}

}  // namespace headgate::ingest

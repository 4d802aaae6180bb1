// SPDX-License-Identifier: LGPL-2.1-or-later
// The certificate that a TLS port shows, and its key, from two PEM files that may change while it listens.
// TLS 1.2 and 1.3, as a server, with session tickets and without renegotiation, early data or client
// certificates.
#pragma once

#include <memory>
#include <string>

#include <base/clock.h>
#include <base/file_stamp.h>
#include <base/guarded.h>
#include <base/result.h>

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace headgate::ingest {

class Certificates {
 public:
  static constexpr size_t kMaxFileBytes = 1024 * 1024;

  // `certificate`: the server's own first, then those that lead to a root. The clock must outlive it.
  Certificates(const Clock& clock, std::string certificate, std::string key)
      : clock_(clock), certificate_path_(std::move(certificate)), key_path_(std::move(key)) {}

  // Reads the files. Refused, with the file's name and the reason: what does not parse, a key that is not the
  // certificate's or has a passphrase; and a certificate whose time is over or has not come, unless there is
  // no other: see complaint(). Then the ones that were there stay. Connections keep what they began with.
  Result<void> load();
  // The same if a file is not the one that was read last, good or bad, or if `always`. Whether they were
  // read; after an error the next call is quiet about it.
  Result<bool> reload(bool always = false);

  // The ones in force; null before a load() that succeeded. Thread-safe.
  std::shared_ptr<ssl_ctx_st> context() const;
  int64_t expires() const { return expires_; }  // Unix seconds, of the one in force
  std::string complaint() const;                // about its time, now; empty: none

 private:
  const Clock& clock_;
  const std::string certificate_path_, key_path_;
  FileStamp certificate_stamp_, key_stamp_;
  mutable Guarded<std::shared_ptr<ssl_ctx_st>> context_;
  int64_t begins_ = 0, expires_ = 0;
};

}  // namespace headgate::ingest

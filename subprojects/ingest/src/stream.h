// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: a publisher's connection, plain or TLS, without waiting.
#pragma once

#include <base/bytes.h>
#include <base/result.h>
#include <base/unique_fd.h>
#include <openssl/types.h>

#include <memory>
#include <optional>
#include <span>
#include <string>

namespace headgate::ingest {

// In one thread at a time.
class Stream {
 public:
  // One record of TLS: what receive() of a TLS stream must have room for, so that nothing of a record that
  // was read stays behind, unknown to epoll.
  static constexpr size_t kRecordSize = 16 * 1024;
  // Before admission. OpenSSL takes memory for a ClientHello when it has read its length, and would take
  // 128 KiB; one with post-quantum keys has 2 KiB. The bytes are all that a publisher sends until `publish`.
  static constexpr size_t kMaxClientHello = 16 * 1024;
  static constexpr size_t kMaxBytesBeforeAdmission = 256 * 1024;

  explicit Stream(UniqueFd socket);
  Stream(Stream&&) noexcept;
  ~Stream();

  // From here on handshake() has to come first.
  Result<void> start_tls(const std::shared_ptr<SSL_CTX>& context);
  // True: done. False: has to wait. Error: see complaint().
  Result<bool> handshake();
  // Directly after an operation that failed: what the peer did wrong. Empty: it has gone.
  std::string complaint() const;
  void admitted();  // no more limits of the above kind

  // Bytes read; 0: the peer has finished, or the connection is broken; nothing: has to wait.
  std::optional<size_t> receive(std::span<std::byte> into);
  // Bytes written; 0: broken; nothing: has to wait.
  std::optional<size_t> send(Bytes bytes);
  // What the last call that had to wait waits for: EPOLLIN or EPOLLOUT.
  uint32_t waits_for() const { return waits_for_; }
  // Nothing more is sent: close_notify, and the end of the stream.
  void finish();
  // Reads away what comes, undecrypted. False: the peer has closed.
  bool discard();

  bool is_tls() const { return tls_ != nullptr; }
  int fd() const { return socket_.get(); }
  UniqueFd take_socket() { return std::move(socket_); }  // of a plain one

 private:
  struct Tls;
  bool must_wait(int result);

  UniqueFd socket_;
  std::unique_ptr<Tls> tls_;
  uint32_t waits_for_;
};

}  // namespace headgate::ingest

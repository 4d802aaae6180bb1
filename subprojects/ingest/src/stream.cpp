// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "hello_guard.h"

namespace headgate::ingest {
namespace {

constexpr int kDiscardsPerRound = 4;

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// As recv(2) and send(2), but never interrupted and without SIGPIPE.
ssize_t receive_some(int fd, void* into, size_t size) {
  for (;;) {
    const ssize_t got = ::recv(fd, into, size, 0);
    if (got >= 0 || errno != EINTR) return got;
  }
}

ssize_t send_some(int fd, const void* from, size_t size) {
  for (;;) {
    const ssize_t sent = ::send(fd, from, size, MSG_NOSIGNAL);
    if (sent >= 0 || errno != EINTR) return sent;
  }
}

}  // namespace

// OpenSSL's own BIO for sockets would be killed by SIGPIPE, and nobody could look at what comes in.
struct Stream::Tls {
  explicit Tls(int the_fd) : fd(the_fd) {}

  static const BIO_METHOD* method();
  static Tls& of(BIO* bio) { return *static_cast<Tls*>(BIO_get_data(bio)); }
  static int read(BIO* bio, char* into, size_t size, size_t* got);
  static int write(BIO* bio, const char* from, size_t size, size_t* sent);
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  std::unique_ptr<SSL, SslFree> ssl;
  int fd;
  bool limited = true;  // not admitted yet
  HelloGuard guard{kMaxClientHello};
  size_t bytes_read = 0;  // while limited
  const char* refused = nullptr;
  bool eof = false;     // the peer has sent its last byte
  bool failed = false;  // nothing can be said any more, not even close_notify
};

const BIO_METHOD* Stream::Tls::method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* out = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "headgate connection");
    BIO_meth_set_read_ex(out, &Tls::read);
    BIO_meth_set_write_ex(out, &Tls::write);
    BIO_meth_set_ctrl(out, &Tls::control);
    return out;  // as long as the process
  }();
  return made;
}

int Stream::Tls::read(BIO* bio, char* into, size_t size, size_t* got) {
  Tls& self = of(bio);
  BIO_clear_retry_flags(bio);
  const ssize_t count = receive_some(self.fd, into, size);
  if (count <= 0) {
    if (count < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
    self.eof = self.eof || count == 0;
    return 0;
  }
  *got = static_cast<size_t>(count);
  if (!self.limited) return 1;
  self.bytes_read += *got;
  if (!self.guard.passes(std::as_bytes(std::span(into, *got))))
    self.refused = "a ClientHello of more than 16 KiB, or in pieces";
  else if (self.bytes_read > kMaxBytesBeforeAdmission)
    self.refused = "too much before it was admitted";
  return self.refused ? 0 : 1;
}

int Stream::Tls::write(BIO* bio, const char* from, size_t size, size_t* sent) {
  Tls& self = of(bio);
  BIO_clear_retry_flags(bio);
  const ssize_t count = send_some(self.fd, from, size);
  if (count < 0) {
    if (errno == EAGAIN) BIO_set_retry_write(bio);
    return 0;
  }
  *sent = static_cast<size_t>(count);
  // A HelloRetryRequest may have been in it. In TLS 1.2 there is none, and what comes next may be encrypted.
  if (self.limited && !SSL_is_init_finished(self.ssl.get()) && SSL_version(self.ssl.get()) >= TLS1_3_VERSION)
    self.guard.arm();
  return 1;
}

Stream::Stream(UniqueFd socket) : socket_(std::move(socket)), waits_for_(EPOLLIN) {}
Stream::Stream(Stream&&) noexcept = default;
Stream::~Stream() = default;

Result<void> Stream::start_tls(const std::shared_ptr<SSL_CTX>& context) {
  ERR_clear_error();
  auto tls = std::make_unique<Tls>(socket_.get());
  tls->ssl.reset(SSL_new(context.get()));
  BIO* bio = tls->ssl ? BIO_new(Tls::method()) : nullptr;
  if (!bio) return Unexpected("TLS: out of memory");
  BIO_set_data(bio, tls.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(tls->ssl.get(), bio, bio);  // takes it
  SSL_set_accept_state(tls->ssl.get());
  tls_ = std::move(tls);
  return {};
}

// Whether it is only a matter of waiting that an operation did not succeed.
bool Stream::must_wait(int result) {
  switch (SSL_get_error(tls_->ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
      waits_for_ = EPOLLIN;
      return true;
    case SSL_ERROR_WANT_WRITE:
      waits_for_ = EPOLLOUT;
      return true;
    case SSL_ERROR_ZERO_RETURN:
      return false;
    default:
      tls_->failed = true;
      return false;
  }
}

Result<bool> Stream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(tls_->ssl.get());
  if (result == 1) return true;
  if (must_wait(result)) return false;
  return Unexpected(complaint());
}

std::string Stream::complaint() const {
  if (!tls_) return "";
  if (tls_->refused) return std::string("TLS: ") + tls_->refused;
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return tls_->eof || !tls_->failed || !reason ? "" : std::string("TLS: ") + reason;
}

void Stream::admitted() {
  if (tls_) tls_->limited = false;
}

std::optional<size_t> Stream::receive(std::span<std::byte> into) {
  if (!tls_) {
    const ssize_t got = receive_some(socket_.get(), into.data(), into.size());
    if (got >= 0) return static_cast<size_t>(got);
    waits_for_ = EPOLLIN;
    if (errno == EAGAIN) return std::nullopt;
    return 0;
  }
  if (tls_->failed) return 0;
  ERR_clear_error();
  size_t got = 0;
  const int result = SSL_read_ex(tls_->ssl.get(), into.data(), into.size(), &got);
  if (result == 1) return got;
  if (must_wait(result)) return std::nullopt;
  return 0;
}

std::optional<size_t> Stream::send(Bytes bytes) {
  if (!tls_) {
    const ssize_t sent = send_some(socket_.get(), bytes.data(), bytes.size());
    if (sent >= 0) return static_cast<size_t>(sent);
    waits_for_ = EPOLLOUT;
    if (errno == EAGAIN) return std::nullopt;
    return 0;
  }
  if (tls_->failed) return 0;
  ERR_clear_error();
  size_t sent = 0;
  const int result = SSL_write_ex(tls_->ssl.get(), bytes.data(), bytes.size(), &sent);
  if (result == 1) return sent;
  if (must_wait(result)) return std::nullopt;
  return 0;
}

void Stream::finish() {
  ERR_clear_error();
  if (tls_ && !tls_->failed && SSL_is_init_finished(tls_->ssl.get())) SSL_shutdown(tls_->ssl.get());
  ::shutdown(socket_.get(), SHUT_WR);
}

bool Stream::discard() {
  std::array<std::byte, kRecordSize> buffer;
  for (int i = 0; i < kDiscardsPerRound; ++i) {
    const ssize_t got = receive_some(socket_.get(), buffer.data(), buffer.size());
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
  }
  return true;
}

}  // namespace headgate::ingest

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_connections.h"

#include <base/clock.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "plain_request.h"
#include "turns.h"
#include "whose.h"

namespace headgate::origin {
namespace {

constexpr int64_t kSweepMs = 1000;

// Before a chunk of so many bytes, none being the last, and behind the one before (RFC 9112, 7.1).
std::string chunk_head(bool first, uint64_t length) {
  char text[32];
  std::snprintf(text, sizeof text, "%s%llx\r\n%s", first ? "" : "\r\n",
                static_cast<unsigned long long>(length), length == 0 ? "\r\n" : "");
  return text;
}

bool is_full(ssize_t sent) {
  return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

}  // namespace

struct MediaConnections::Connection {
  using Phase = Seat::Phase;

  UniqueFd socket;  // none: it is over
  Place place;
  std::list<ConnectionPtr>::iterator self;
  std::weak_ptr<Answer> answer;  // that it waits for
  int64_t moved_us = 0;          // when something moved last
  uint32_t watched = EPOLLIN;
  Phase phase = Phase::asking;
  bool head_only = false, close = false, gzip = false;  // of the request
  RequestClass kind = RequestClass::other;
  int64_t asked_us = 0;  // when it came; 0: its answer has been counted
  // The answer: text, and then either a body in memory with its end, or a file's.
  std::string head;
  BytesPtr body;
  std::string end;
  size_t text_sent = 0;
  std::optional<FileRange> file;  // what is left of it
  bool read_ahead = false;        // the next round's bytes, just now
  Growth more;                    // behind `file`
  bool in_chunks = false;         // a chunk has been begun

  explicit Connection(UniqueFd its_socket, Place its_place)
      : socket(std::move(its_socket)), place(std::move(its_place)) {}
};

class MediaConnections::ConnectionAnswer : public Answer {
 public:
  ConnectionAnswer(MediaConnections& all, const ConnectionPtr& one, std::string whose)
      : Answer(std::move(whose)), all_(all), one_(one) {}
  ~ConnectionAnswer() override { send_if_none(); }

 private:
  void watch() override {}  // as a connection is in any case
  // MediaConnections is there as long as a connection is.
  void write(Reply reply) override {
    if (ConnectionPtr one = one_.lock(); one && one->socket) all_.begin(one, std::move(reply), waited());
  }

  MediaConnections& all_;
  std::weak_ptr<Connection> one_;
};

MediaConnections::MediaConnections(Loop& loop, Handler handler, HandOver hand_over)
    : loop_(loop), handler_(std::move(handler)), hand_over_(std::move(hand_over)) {}

MediaConnections::~MediaConnections() {
  while (!connections_.empty()) drop(*connections_.front());
}

void MediaConnections::take(UniqueFd socket, Place place) {
  auto one = std::make_shared<Connection>(std::move(socket), std::move(place));
  one->place->when_to_end([fd = one->socket.get()] { ::shutdown(fd, SHUT_RDWR); });
  one->self = connections_.insert(connections_.end(), one);
  moved(*one);
  if (sweeper_ == 0) sweeper_ = loop_.every_ms(kSweepMs, [this] { sweep(); });
  loop_.watch(one->socket.get(), EPOLLIN,
              [this, weak = std::weak_ptr(one)](uint32_t events) { on_event(weak.lock(), events); });
}

void MediaConnections::moved(Connection& one) {
  one.moved_us = system_clock().mono_us();
  if (one.phase == Connection::Phase::sending) one.place->took(one.moved_us);
  connections_.splice(connections_.end(), connections_, one.self);
}

void MediaConnections::set(Connection& one, Seat::Phase phase) {
  one.phase = phase;
  one.place->set(phase, system_clock().mono_us());
}

void MediaConnections::drop(Connection& one) {
  loop_.unwatch(one.socket.get());
  one.socket.reset();
  one.place.reset();
  one.file.reset();
  one.more = nullptr;
  const AnswerPtr unanswered = one.answer.lock();
  connections_.erase(one.self);  // `one` lives on while somebody holds it
  if (connections_.empty()) {
    loop_.cancel(sweeper_);
    sweeper_ = 0;
  }
  if (unanswered) unanswered->gone();
}

void MediaConnections::sweep() {
  const int64_t before_us = system_clock().mono_us() - int64_t{kIdleSeconds} * 1'000'000;
  while (!connections_.empty() && connections_.front()->moved_us < before_us) {
    ConnectionPtr one = connections_.front();
    if (one->phase == Connection::Phase::waiting)
      moved(*one);  // we are slow, not the client
    else
      drop(*one);
  }
}

void MediaConnections::on_event(const ConnectionPtr& one, uint32_t events) {
  if (!one || !one->socket) return;
  if (one->phase == Connection::Phase::asking) return read(one);
  if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) return drop(*one);
  if (one->phase == Connection::Phase::sending) flush(one);
}

void MediaConnections::read(const ConnectionPtr& one) {
  std::array<char, kMaxPlainBytes> bytes;
  const int fd = one->socket.get();
  ssize_t n = ::recv(fd, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
  if (is_full(n)) return;
  if (n <= 0) return drop(*one);
  auto request = plain_request({bytes.data(), static_cast<size_t>(n)});
  if (!request) {
    loop_.unwatch(fd);
    hand_over_(std::move(one->socket), std::move(one->place));
    return drop(*one);
  }
  const std::string path(request->path), query(request->query);
  std::string whose = one->place->whose();
  if (whose.empty()) whose = stranger(request->forwarded_for);
  // Taken out of the queue, and not copied once more.
  if (::recv(fd, bytes.data(), request->size, MSG_TRUNC | MSG_DONTWAIT) !=
      static_cast<ssize_t>(request->size))
    return drop(*one);
  moved(*one);
  one->kind = class_of(path);
  one->asked_us = Turns::request_us();
  if (requests_) requests_->asked(one->kind, fd, one->moved_us);
  one->head_only = request->head;
  one->close = request->close;
  one->gzip = request->gzip;
  set(*one, Connection::Phase::waiting);
  auto answer = std::make_shared<ConnectionAnswer>(*this, one, std::move(whose));
  one->answer = answer;
  handler_(std::move(answer), path, query);
  if (one->socket) watch_for_what_comes(*one);
}

void MediaConnections::count_answer(Connection& one, unsigned status, bool waited) const {
  const int64_t asked_us = std::exchange(one.asked_us, 0);
  if (requests_ && asked_us > 0)
    requests_->answered(one.kind, status, system_clock().mono_us() - asked_us, waited);
}

void MediaConnections::count_sent(const Connection& one, ssize_t bytes) const {
  if (requests_) requests_->sent(one.kind, static_cast<uint64_t>(bytes));
}

void MediaConnections::begin(const ConnectionPtr& one, Reply reply, bool waited) {
  set(*one, Connection::Phase::sending);
  count_answer(*one, reply.status, waited);
  one->close |= retired_;
  choose_coding(reply, one->gzip);
  one->head = header_text(reply, one->close);
  one->text_sent = 0;
  if (!one->head_only) {
    one->body = std::move(reply.body);
    one->end = std::move(reply.end);
    one->file = std::move(reply.file);
    one->more = std::move(reply.more);
  }
  one->in_chunks = one->more != nullptr;
  if (one->more) one->head += chunk_head(true, one->file->length());
  flush(one);
}

// Its connection is a place, and its wait an entry of the stream's end, however long it takes.
void MediaConnections::go_on(const ConnectionPtr& one) {
  set(*one, Connection::Phase::waiting);
  one->head.clear();
  one->text_sent = 0;
  watch_for_what_comes(*one);
  const Growth more = one->more;
  more([this, weak = std::weak_ptr(one)](Result<FileRange> next) {
    const ConnectionPtr again = weak.lock();
    if (!again || !again->socket) return;
    if (!next) return drop(*again);  // without the last chunk: whoever reads knows that something is missing
    set(*again, Connection::Phase::sending);
    again->head = chunk_head(false, next->length());
    if (next->pieces.empty()) {
      again->more = nullptr;
      again->file.reset();
    } else {
      again->file = *std::move(next);
    }
    flush(again);
  });
}

// True: all of it has gone.
bool MediaConnections::send_text(Connection& one, bool& broken) {
  gsize body_size = 0;
  const void* body = one.body ? g_bytes_get_data(one.body.get(), &body_size) : nullptr;
  const std::string_view texts[] = {one.head, {static_cast<const char*>(body), body_size}, one.end};
  for (;;) {
    std::array<iovec, std::size(texts)> parts;
    size_t count = 0, skipped = one.text_sent;
    for (const std::string_view text : texts) {
      const size_t of_it = std::min(skipped, text.size());
      skipped -= of_it;
      if (of_it < text.size()) parts[count++] = {const_cast<char*>(text.data()) + of_it, text.size() - of_it};
    }
    if (count == 0) return true;
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    ssize_t n = ::sendmsg(one.socket.get(), &message, MSG_NOSIGNAL | (one.file ? MSG_MORE : 0));
    broken = n < 0 && !is_full(n);
    if (n < 0) return false;
    one.text_sent += static_cast<size_t>(n);
    count_sent(one, n);
  }
}

bool MediaConnections::send_file(Connection& one, bool& broken) {
  for (size_t sent = 0; one.file && !one.file->pieces.empty();) {
    if (sent >= kMaxSendOnce) return false;
    const fmp4::ByteRange piece = one.file->pieces.front();
    auto at = static_cast<off_t>(piece.offset);
    ssize_t n = ::sendfile(one.socket.get(), one.file->fd(), &at,
                           std::min<uint64_t>(piece.length, kMaxSendOnce - sent));
    broken = n == 0 || (n < 0 && !is_full(n));  // 0: the file has become shorter
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
    count_sent(one, n);
    one.file->skip(static_cast<uint64_t>(n));
  }
  return true;
}

// Somebody slow may ask for bytes that the page cache had when the answer began: they are looked for again
// before each round, and read by the disk's thread. Who was read for goes on without a look, or the cache's
// pressure could keep it from ever moving.
void MediaConnections::read_ahead(const ConnectionPtr& one, const FileRange& range) {
  set(*one, Connection::Phase::waiting);
  watch_for_what_comes(*one);
  range.files->bring_into_cache(range, [this, weak = std::weak_ptr(one)](const Result<void>& read) {
    const ConnectionPtr again = weak.lock();
    if (!again || !again->socket) return;
    if (!read && (again->text_sent > 0 || again->in_chunks)) return drop(*again);
    if (!read) return begin(again, media_error_reply(read.error()), false);
    set(*again, Connection::Phase::sending);
    again->read_ahead = true;
    flush(again);
  });
}

void MediaConnections::flush(const ConnectionPtr& one) {
  if (one->file && !std::exchange(one->read_ahead, false)) {
    const FileRange next = one->file->part(0, kMaxSendOnce);
    if (!next.is_cached()) return read_ahead(one, next);
  }
  bool broken = false;
  const bool done = send_text(*one, broken) && send_file(*one, broken);
  if (broken || (done && one->close && !one->more)) return drop(*one);
  moved(*one);
  if (done && one->more) return go_on(one);
  if (done) {
    set(*one, Connection::Phase::asking);
    one->body.reset();
    one->end.clear();
    one->file.reset();
  }
  watch_for_what_comes(*one);
}

// The next request stays in the kernel while one is answered. Who goes while he waits gives his place back.
void MediaConnections::watch_for_what_comes(Connection& one) {
  uint32_t wanted = 0;
  if (one.phase == Connection::Phase::asking) wanted = EPOLLIN;
  if (one.phase == Connection::Phase::waiting) wanted = EPOLLRDHUP;
  if (one.phase == Connection::Phase::sending) wanted = EPOLLOUT;
  if (wanted == one.watched) return;
  one.watched = wanted;
  loop_.rewatch(one.socket.get(), wanted);
}

}  // namespace headgate::origin

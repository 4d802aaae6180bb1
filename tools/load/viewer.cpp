// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/viewer.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#include <cerrno>
#include <cstring>

#include <base/clock.h>

namespace headgate::load {
namespace {

constexpr size_t kMaxSkip = 16 * 1024 * 1024;  // of one recv(), which does not copy
constexpr const char* kAskNames[Player::kAsks] = {"multivariant playlist", "media playlist", "init segment",
                                                  "segment"};

int64_t now_us() {
  return system_clock().mono_us();
}

size_t index_of(Player::Ask ask) {
  return static_cast<size_t>(ask);
}

}  // namespace

Viewer::Viewer(ViewShared& shared, int64_t& due_us, std::string path, Address local)
    : shared_(shared),
      due_us_(due_us),
      player_(shared.authority, path),
      path_(std::move(path)),
      local_(local) {}

Viewer::~Viewer() {
  close();
}

void Viewer::serve(int64_t now) {
  started_ = true;
  if (request_) {
    retried_ = true;  // it was sent, and that is long ago
    return fail("no answer in " + std::to_string(kResponseSeconds) + " s");
  }
  request_ = player_.next(now);
  take_events();
  if (!request_) {
    due_us_ = player_.due_us();
    return;
  }
  asked_us_ = now;
  due_us_ = now + kResponseSeconds * 1'000'000;
  retried_ = false;
  shared_.requests[index_of(request_->ask)]++;
  request();
}

void Viewer::request() {
  bool playlist = request_->ask == Player::Ask::kMultivariant || request_->ask == Player::Ask::kMedia;
  response_.emplace(playlist ? kMaxPlaylistBytes : 0);
  output_ = "GET " + request_->path + " HTTP/1.1\r\nHost: " + shared_.authority +
            "\r\nUser-Agent: headgate-load\r\nAccept: */*\r\n\r\n";
  if (fd_)
    send_request();
  else
    open();
}

void Viewer::open() {
  connected_ = false;
  fresh_ = true;
  shared_.connections++;
  fd_.reset(::socket(shared_.server.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return fail(std::string("socket: ") + std::strerror(errno));
  int one = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (local_.size > 0) {
    ::setsockopt(fd_.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&local_.storage), local_.size) != 0)
      return fail(std::string("bind: ") + std::strerror(errno));
  }
  shared_.loop.watch(fd_.get(), EPOLLIN | EPOLLOUT, [this](uint32_t events) { on_io(events); });
  const auto* address = reinterpret_cast<const sockaddr*>(&shared_.server.storage);
  if (::connect(fd_.get(), address, shared_.server.size) != 0 && errno != EINPROGRESS)
    fail(std::string("connect: ") + std::strerror(errno));
}

void Viewer::on_io(uint32_t events) {
  if (!connected_) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail(std::string("connect: ") + std::strerror(error));
    if (!(events & EPOLLOUT)) return;
    connected_ = true;
    shared_.loop.rewatch(fd_.get(), EPOLLIN);
    return send_request();
  }
  if (events & EPOLLOUT) send_request();
  if (fd_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) read_response();
}

void Viewer::send_request() {
  while (!output_.empty()) {
    ssize_t taken = ::send(fd_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
    if (taken < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return shared_.loop.rewatch(fd_.get(), EPOLLIN | EPOLLOUT);
      return fail(std::string("connection: ") + std::strerror(errno));
    }
    output_.erase(0, static_cast<size_t>(taken));
    if (output_.empty()) shared_.loop.rewatch(fd_.get(), EPOLLIN);
  }
}

void Viewer::read_response() {
  static std::array<std::byte, 64 * 1024> buffer;  // one thread; nothing stays in it
  while (fd_) {
    uint64_t skip = response_ ? std::min<uint64_t>(response_->skippable(), kMaxSkip) : 0;
    // MSG_TRUNC: TCP throws the bytes away in the kernel.
    ssize_t got = skip > 0 ? ::recv(fd_.get(), nullptr, skip, MSG_TRUNC)
                           : ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) return fail(std::string("connection: ") + std::strerror(errno));
    if (got == 0) {
      if (!response_) return close();  // an idle connection: the next request opens another
      auto closed = response_->closed();
      if (!closed) return fail(closed.error().message);
      return on_done(now_us());
    }
    if (!response_) return fail("bytes that were not asked for");
    fresh_ = false;
    if (skip > 0) {
      response_->skipped(static_cast<uint64_t>(got));
    } else {
      auto taken = response_->feed(Bytes(buffer).first(static_cast<size_t>(got)));
      if (!taken) return fail(taken.error().message);
      if (*taken < static_cast<size_t>(got)) return fail("bytes that were not asked for");
    }
    if (response_->done()) return on_done(now_us());
  }
}

void Viewer::on_done(int64_t now) {
  Player::Request request = std::move(*request_);
  request_.reset();
  HttpResponse response = std::move(*response_);
  response_.reset();
  if (!response.keep_alive()) close();
  shared_.bytes += response.body_bytes();
  shared_.response_ms[index_of(request.ask)].add(static_cast<double>(now - asked_us_) / 1000);
  auto wrong = player_.on_response(now, system_clock().utc_us(), response.status(), response.body());
  if (wrong) count(std::string(kAskNames[index_of(request.ask)]) + ": " + *wrong);
  take_events();
  due_us_ = player_.due_us();
  if (due_us_ <= now) serve(now);
}

void Viewer::fail(const std::string& reason) {
  bool stale = fd_ && !fresh_ && response_ && response_->status() == 0 && !retried_;
  close();
  if (!request_) return;
  if (stale) {  // the server closed an idle connection while the request was on its way
    retried_ = true;
    shared_.stale++;
    return request();
  }
  count(std::string(kAskNames[index_of(request_->ask)]) + ": " + reason);
  request_.reset();
  response_.reset();
  player_.on_failure(now_us());
  take_events();
  due_us_ = player_.due_us();
}

void Viewer::close() {
  if (fd_) shared_.loop.unwatch(fd_.get());
  fd_.reset();
}

void Viewer::count(const std::string& kind) {
  auto& errors = shared_.errors;
  errors[errors.size() < kMaxReasons || errors.contains(kind) ? kind : "other"]++;
}

void Viewer::settle(int64_t now) {
  player_.advance(now);
  take_events();
}

void Viewer::end(int64_t now) {
  settle(now);
  tell_stall(player_.standing_s(), now);
}

void Viewer::tell_stall(double seconds, int64_t until_us) {
  if (seconds > kLongStallSeconds && shared_.long_stalls.size() < kMostLongStalls)
    shared_.long_stalls.push_back({path_, until_us, seconds});
}

void Viewer::take_events() {
  Player::Events events = player_.take_events();
  shared_.segments += events.segments;
  shared_.skipped += events.skipped;
  shared_.stalls += events.stalls;
  stalls_ += events.stalls;
  shared_.stall_s += events.stall_s;
  if (events.stood_s) tell_stall(*events.stood_s, now_us());
  shared_.media_s += events.media_s;
  if (events.startup_s) shared_.startup_s.add(*events.startup_s);
  if (events.latency_s) shared_.latency_s.add(*events.latency_s);
  if (events.edge_age_s) shared_.edge_age_s.add(*events.edge_age_s);
}

}  // namespace headgate::load

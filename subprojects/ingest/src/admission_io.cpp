// SPDX-License-Identifier: LGPL-2.1-or-later
// What comes before RTMP, and the socket.
#include <base/room.h>
#include <ingest/proxy_header.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "admission.h"

namespace headgate::ingest {
namespace {

constexpr int kReadsPerRound = 4;     // then others have their turn
constexpr char kUnsaid[] = "proxy ";  // before the network of a proxy that has not said whom it carries

int64_t thread_cpu_us() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

bool Admission::start() {
  if (stage_ != Stage::kProxyHeader) return take_place() && begin_stream();
  Peer unsaid = peer_;
  unsaid.network.insert(0, kUnsaid);
  shared_.places.add(id_, unsaid, shared_.clock.mono_us());
  return true;
}

uint32_t Admission::wanted_events() const {
  if (stage_ == Stage::kTlsWaits) return waits_for_turn_ ? EPOLLRDHUP : EPOLLIN | EPOLLRDHUP;
  if (stage_ == Stage::kTls) return stream_.waits_for();
  if (lingering_) return EPOLLIN;
  return unsent_.empty() ? receive_waits_ : send_waits_;
}

bool Admission::on_events(uint32_t events) {
  if (lingering_) return stream_.discard();
  if (stage_ == Stage::kProxyHeader) return read_proxy_header();
  if (stage_ == Stage::kTlsWaits) return begin_tls(events);
  if (stage_ == Stage::kTls) return shake_hands();
  if (!unsent_.empty()) {
    if (!(events & (send_waits_ | EPOLLERR | EPOLLHUP))) return true;
    return go_on();
  }
  return read();
}

// Takes no byte that belongs to what follows.
bool Admission::read_proxy_header() {
  const size_t had = proxy_header_.size();
  proxy_header_.resize(kMaxProxyHeader);
  const ssize_t got = ::recv(socket_, proxy_header_.data() + had, kMaxProxyHeader - had, MSG_PEEK);
  const int error = errno;
  proxy_header_.resize(had + static_cast<size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0 && (error == EAGAIN || error == EINTR)) return true;
  if (got <= 0) {
    ++shared_.counters.gone;
    return false;
  }
  auto header = parse_proxy_header(proxy_header_);
  if (!header) {
    not_rtmp(header.error().message);
    return false;
  }
  size_t taken = static_cast<size_t>(got);
  if (*header) taken = (*header)->size - had;
  // It is there: nothing else reads this socket.
  proxy_header_.resize(had + taken);
  if (::recv(socket_, proxy_header_.data() + had, taken, 0) != static_cast<ssize_t>(taken)) return false;
  if (!*header) return true;
  const auto client = (*header)->client;
  if (client) peer_ = make_peer(*client);
  // A proxy's own connections look whether we are there. Whom it does not know may be anybody.
  if (!(*header)->local && port_.addresses && !port_.addresses->allows(client.value_or(address_))) {
    ++shared_.counters.denied;
    return false;
  }
  clear_keeping(proxy_header_, 0);
  shared_.places.remove(id_);
  if (!take_place()) return false;
  return begin_stream();
}

// Each network has so many of them. Nothing is counted against a proxy but what it says is its own.
bool Admission::take_place() {
  const int64_t now = shared_.clock.mono_us();
  if (shared_.budget.flooded(peer_, now)) {
    ++shared_.counters.flooded;
    return false;
  }
  if (shared_.places.full(peer_.network)) {
    ++shared_.counters.over_network;
    const auto leaves = shared_.places.leaves_for(peer_, now);
    if (!leaves) return false;
    shared_.close(*leaves);
  }
  shared_.places.add(id_, peer_, now);
  return true;
}

bool Admission::begin_stream() {
  stage_ = port_.certificates ? Stage::kTlsWaits : Stage::kRtmp;
  return stage_ == Stage::kRtmp || port_.certificates->context();
}

// Nothing is made for who says nothing or has gone, and nothing is read of who would cost more than there is
// to spend.
bool Admission::begin_tls(uint32_t events) {
  if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) {
    ++shared_.counters.gone;
    return false;
  }
  waits_for_turn_ = !shared_.handshakes.may_begin(peer_.network, shared_.clock.mono_us());
  if (waits_for_turn_) return true;
  const auto context = port_.certificates->context();
  if (!context || !stream_.start_tls(context)) return false;
  stage_ = Stage::kTls;
  ++shared_.counters.handshakes;
  return shake_hands();
}

bool Admission::shake_hands() {
  const int64_t before_us = thread_cpu_us();
  auto done = stream_.handshake();
  const int64_t spent_us = thread_cpu_us() - before_us;
  handshake_us_ += spent_us;
  shared_.handshakes.spent(peer_.network, spent_us, shared_.clock.mono_us());
  if (!done) {
    broken();
    return false;
  }
  if (!*done) return true;
  stage_ = Stage::kRtmp;
  --shared_.counters.handshakes;
  return read();  // what came with the client's last words may be in OpenSSL already
}

// By the peer, or by its not being there any more.
void Admission::broken() {
  const std::string text = stream_.complaint();
  if (text.empty())
    ++shared_.counters.gone;
  else
    not_rtmp(text);
}

void Admission::not_rtmp(const std::string& text) {
  count_failure();
  report(ticket::kBadRequest, text);
}

bool Admission::read() {
  std::array<std::byte, Stream::kRecordSize> buffer;
  for (int i = 0; i < kReadsPerRound; ++i) {
    auto got = stream_.receive(buffer);
    if (!got) {
      receive_waits_ = stream_.waits_for();
      return true;
    }
    receive_waits_ = EPOLLIN;
    if (*got == 0) {
      broken();
      return false;
    }
    if (auto fed = server_.feed(Bytes(buffer).first(*got), *this); !fed) {
      not_rtmp(fed.error().message);
      return false;
    }
    if (!go_on()) return false;
    if (lingering_ || !unsent_.empty()) return true;
    if (!stream_.is_tls() && *got < buffer.size()) return true;
  }
  return true;
}

// Sends what there is, and takes the next step once it is gone.
bool Admission::go_on() {
  if (!flush()) return false;
  if (!unsent_.empty()) return true;
  switch (server_.phase()) {
    case rtmp::Server::Phase::kPublishAsked:
      return decide();
    case rtmp::Server::Phase::kEnded:
      break;
    default:
      return true;
  }
  stream_.finish();
  lingering_ = true;
  deadline_us_ = shared_.clock.mono_us() + shared_.policy.linger_us;
  return true;
}

bool Admission::flush() {
  if (unsent_.empty()) {
    unsent_ = server_.take_output();
    sent_ = 0;
  }
  while (sent_ < unsent_.size()) {
    auto n = stream_.send(Bytes(unsent_).subspan(sent_));
    if (!n) {
      send_waits_ = stream_.waits_for();
      return true;
    }
    if (*n == 0) {
      ++shared_.counters.gone;
      return false;
    }
    sent_ += *n;
  }
  unsent_.clear();
  return true;
}

bool Admission::on_time(int64_t mono_us) {
  if (server_.phase() == rtmp::Server::Phase::kEnded) return mono_us < deadline_us_;
  int64_t deadline = connected_ ? deadline_us_ : std::min(deadline_us_, connect_deadline_us_);
  if (mono_us < deadline) return true;
  ++shared_.counters.timed_out;
  if (waits_for_turn_) {
    report(ticket::kOverload, "too many TLS handshakes at a time");
    return false;
  }
  constexpr const char* kTexts[] = {"no PROXY header in time", "no TLS handshake in time",
                                    "no TLS handshake in time", "no connect in time"};
  report(ticket::kBadRequest, connected_ ? "no publish in time" : kTexts[static_cast<int>(stage_)]);
  return false;
}

}  // namespace headgate::ingest

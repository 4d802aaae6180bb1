// SPDX-License-Identifier: LGPL-2.1-or-later
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "admission.h"

namespace headgate::ingest {
namespace {

constexpr size_t kReadSize = 16 * 1024;
constexpr int kReadsPerRound = 4;  // then others have their turn

// Bytes read; 0: the peer has closed or the connection is broken; no value: nothing there.
std::optional<size_t> receive(int socket, std::span<std::byte> into) {
  for (;;) {
    ssize_t got = ::recv(socket, into.data(), into.size(), 0);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return std::nullopt;
    return 0;
  }
}

}  // namespace

uint32_t Admission::wanted_events() const {
  if (!unsent_.empty()) return EPOLLOUT;
  return EPOLLIN;
}

bool Admission::on_events(uint32_t events) {
  if (lingering_) return drain();
  if (!unsent_.empty()) {
    if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) return true;
    return go_on();
  }
  return read();
}

bool Admission::read() {
  std::array<std::byte, kReadSize> buffer;
  for (int i = 0; i < kReadsPerRound; ++i) {
    auto got = receive(socket_.get(), buffer);
    if (!got) return true;
    if (*got == 0) {
      ++shared_.counters.gone;
      return false;
    }
    if (auto fed = server_.feed(Bytes(buffer).first(*got), *this); !fed) {
      count_failure();
      report(ticket::kBadRequest, fed.error().message);
      return false;
    }
    if (!go_on()) return false;
    if (lingering_ || !unsent_.empty() || *got < buffer.size()) return true;
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
  ::shutdown(socket_.get(), SHUT_WR);
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
    ssize_t n = ::send(socket_.get(), unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n < 0) {
      ++shared_.counters.gone;
      return false;
    }
    sent_ += static_cast<size_t>(n);
  }
  unsent_.clear();
  return true;
}

bool Admission::drain() {
  std::array<std::byte, kReadSize> buffer;
  for (int i = 0; i < kReadsPerRound; ++i) {
    auto got = receive(socket_.get(), buffer);
    if (!got) return true;
    if (*got == 0) return false;
  }
  return true;
}

bool Admission::on_time(int64_t mono_us) {
  if (server_.phase() == rtmp::Server::Phase::kEnded) return mono_us < deadline_us_;
  int64_t deadline = connected_ ? deadline_us_ : std::min(deadline_us_, connect_deadline_us_);
  if (mono_us < deadline) return true;
  ++shared_.counters.timed_out;
  report(ticket::kBadRequest, connected_ ? "no publish in time" : "no connect in time");
  return false;
}

}  // namespace headgate::ingest

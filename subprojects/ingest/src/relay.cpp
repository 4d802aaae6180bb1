// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace headgate::ingest {
namespace {

constexpr int kRoundsPerWakeUp = 4;  // of the scratch buffer; then others have their turn

}  // namespace

Relay::Relay(Loop& loop, Stream publisher, UniqueFd worker, std::span<std::byte> scratch)
    : loop_(loop),
      publisher_(std::move(publisher)),
      worker_(std::move(worker)),
      scratch_(scratch),
      receive_waits_(EPOLLIN),
      send_waits_(EPOLLOUT) {}

Relay::~Relay() {
  if (publisher_watched_) loop_.unwatch(publisher_.fd());
  if (worker_watched_) loop_.unwatch(worker_.get());
}

void Relay::start(std::function<void()> changed) {
  constexpr uint32_t kHungUp = EPOLLHUP | EPOLLERR;
  changed_ = std::move(changed);
  publisher_watched_ = worker_watched_ = true;
  publisher_events_ = worker_events_ = EPOLLIN;
  loop_.watch(publisher_.fd(), EPOLLIN,
              [this](uint32_t events) { on_events((events & kHungUp) != 0, false); });
  loop_.watch(worker_.get(), EPOLLIN, [this](uint32_t events) { on_events(false, (events & kHungUp) != 0); });
}

// Whichever side woke up: what was held up for it may go on now, and with it the other direction.
void Relay::on_events(bool publisher_hung_up, bool worker_hung_up) {
  if (worker_hung_up) worker_gone_ = true;
  to_worker();
  to_publisher();
  // A side that hung up would wake the loop up for ever, and unwatched it wakes it up no more: all that it
  // has said is read now, or whenever the other side has taken what it was given.
  if (publisher_hung_up && publisher_watched_) {
    loop_.unwatch(publisher_.fd());
    publisher_watched_ = false;
  }
  if (worker_hung_up && worker_watched_) {
    loop_.unwatch(worker_.get());
    worker_watched_ = false;
  }
  while (!publisher_watched_ && !publisher_eof_ && for_worker_.empty()) to_worker();
  while (!worker_watched_ && !worker_eof_ && for_publisher_.empty()) to_publisher();
  watch_again();
  if (!publisher_told_) return;
  auto changed = changed_;  // this may be gone before it returns
  changed();
}

void Relay::to_worker() {
  if (worker_told_) return;
  if (!for_worker_.empty()) {
    if (!send_to_worker(for_worker_.rest(), for_worker_.sent)) return;
    for_worker_.clear();
  }
  for (int round = 0; round < kRoundsPerWakeUp && !publisher_eof_; ++round) {
    size_t have = 0;
    bool dry = false;
    while (!dry && scratch_.size() - have >= Stream::kRecordSize) {
      auto got = publisher_.receive(scratch_.subspan(have));
      dry = !got || *got == 0;
      publisher_eof_ = got && *got == 0;
      if (!got) receive_waits_ = publisher_.waits_for();
      have += got.value_or(0);
    }
    size_t sent = 0;
    if (!send_to_worker(scratch_.first(have), sent)) {
      for_worker_.keep(scratch_.first(have).subspan(sent));
      return;
    }
    if (dry) break;
  }
  if (!publisher_eof_) return;
  ::shutdown(worker_.get(), SHUT_WR);
  worker_told_ = true;
}

void Relay::to_publisher() {
  if (publisher_told_) return;
  if (!for_publisher_.empty()) {
    if (!send_to_publisher(for_publisher_.rest(), for_publisher_.sent)) return;
    for_publisher_.clear();
  }
  for (int round = 0; round < kRoundsPerWakeUp && !worker_eof_; ++round) {
    const ssize_t got = ::recv(worker_.get(), scratch_.data(), scratch_.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    worker_eof_ = got <= 0;
    if (worker_eof_) break;
    size_t sent = 0;
    const Bytes bytes = scratch_.first(static_cast<size_t>(got));
    if (!send_to_publisher(bytes, sent)) {
      for_publisher_.keep(bytes.subspan(sent));
      return;
    }
  }
  if (!worker_eof_ || publisher_told_) return;
  publisher_.finish();
  publisher_told_ = true;
}

bool Relay::send_to_worker(Bytes bytes, size_t& sent) {
  for (size_t front = 0; front < bytes.size() && !worker_gone_;) {
    const Bytes rest = bytes.subspan(front);
    const ssize_t count = ::send(worker_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return false;
    if (count < 0) {
      worker_gone_ = true;
      return true;
    }
    front += static_cast<size_t>(count);
    sent += static_cast<size_t>(count);
  }
  return true;
}

bool Relay::send_to_publisher(Bytes bytes, size_t& sent) {
  while (!bytes.empty()) {
    auto count = publisher_.send(bytes);
    if (!count) {
      send_waits_ = publisher_.waits_for();
      return false;
    }
    if (*count == 0) {
      publisher_broken();
      return true;
    }
    bytes = bytes.subspan(*count);
    sent += *count;
  }
  return true;
}

// Nothing reaches it any more, so that nothing has to come from it either.
void Relay::publisher_broken() {
  ::shutdown(worker_.get(), SHUT_RDWR);
  publisher_eof_ = worker_eof_ = worker_told_ = publisher_told_ = true;
}

void Relay::watch_again() {
  uint32_t publisher_events = 0, worker_events = 0;
  if (!publisher_eof_ && for_worker_.empty()) publisher_events |= receive_waits_;
  if (!for_publisher_.empty()) publisher_events |= send_waits_;
  if (!worker_eof_ && for_publisher_.empty()) worker_events |= EPOLLIN;
  if (!for_worker_.empty()) worker_events |= EPOLLOUT;
  if (publisher_watched_ && publisher_events != publisher_events_)
    loop_.rewatch(publisher_.fd(), publisher_events);
  if (worker_watched_ && worker_events != worker_events_) loop_.rewatch(worker_.get(), worker_events);
  publisher_events_ = publisher_events;
  worker_events_ = worker_events;
}

}  // namespace headgate::ingest

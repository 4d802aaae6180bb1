// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ports.h"

#include <common/log.h>

namespace headgate::gate {
namespace {

constexpr int64_t kWorkersMs = 1000;  // for the workers that are there to tell their state

}  // namespace

Ports::Ports(Loop& loop, const Front& front, ingest::Listener& listener, const std::string& runtime_dir,
             Hooks hooks)
    : loop_(loop),
      front_(front),
      listener_(listener),
      hooks_(std::move(hooks)),
      srt_turn_(loop, runtime_dir) {}

Ports::~Ports() {
  loop_.cancel(policy_timer_);
  loop_.cancel(open_timer_);
}

void Ports::wait_for_policy() {
  policy_timer_ = loop_.after_ms(kFirstPolicyMs, [this] { stop_waiting(); });
}

void Ports::stop_waiting() {
  if (policy_timer_ == 0) return;
  loop_.cancel(std::exchange(policy_timer_, 0));
  for (auto& [name, socket] : std::exchange(waiting_, {}))
    if (auto accepted = accept(name, std::move(socket)); !accepted) {
      tools::log_error(name + ": " + accepted.error().message);
      return loop_.stop();  // another gate may succeed
    }
}

Result<void> Ports::add(const std::string& name, UniqueFd socket) {
  if (policy_timer_ == 0) return accept(name, std::move(socket));
  if (name != kSrt)
    if (auto port = front_.port(name); !port) return Unexpected(port.error());
  waiting_.emplace_back(name, std::move(socket));
  return {};
}

Result<void> Ports::accept(const std::string& name, UniqueFd socket) {
  if (name != kSrt)
    if (auto port = front_.port(name); !port) return Unexpected(port.error());
  if (open_ || hooks_.workers_known()) {
    open();
    return open_port(name, std::move(socket));
  }
  early_.emplace_back(name, std::move(socket));
  if (open_timer_ == 0) open_timer_ = loop_.after_ms(kWorkersMs, [this] { open(); });
  return {};
}

void Ports::look_at_workers() {
  if (!open_ && !early_.empty() && hooks_.workers_known()) open();
}

void Ports::open() {
  if (std::exchange(open_, true)) return;
  loop_.cancel(std::exchange(open_timer_, 0));
  for (auto& [name, socket] : std::exchange(early_, {}))
    if (auto opened = open_port(name, std::move(socket)); !opened)
      tools::log_error(name + ": " + opened.error().message);
  hooks_.opened();
}

Result<void> Ports::open_port(const std::string& name, UniqueFd socket) {
  if (name == kSrt) {
    if (srt_ours_) return hooks_.listen_srt(std::move(socket));
    const bool first = srt_sockets_.empty();
    srt_sockets_.push_back(std::move(socket));
    if (!first) return {};
    if (auto asked = srt_turn_.take([this] { take_srt_turn(); }); !asked) return asked;
    return srt_problem_.empty() ? Result<void>() : Unexpected(srt_problem_);
  }
  auto port = front_.port(name);
  if (!port) return Unexpected(port.error());
  listener_names_.push_back(name);
  listener_.add(std::move(socket), *port);
  return {};
}

void Ports::take_srt_turn() {
  srt_ours_ = true;
  for (UniqueFd& socket : std::exchange(srt_sockets_, {}))
    if (auto listening = hooks_.listen_srt(std::move(socket)); !listening) {
      srt_problem_ = listening.error().message;
      tools::log_error("srt: " + srt_problem_);
    }
}

void Ports::give_up_srt_turn() {
  srt_ours_ = false;
  srt_turn_.give_up();
}

void Ports::retire() {
  loop_.cancel(std::exchange(policy_timer_, 0));
  waiting_.clear();
  early_.clear();
  srt_sockets_.clear();
  if (srt_turn_.waiting()) srt_turn_.give_up();
  listener_.retire();
  listener_names_.clear();
}

Ports::Sockets Ports::all(const std::vector<int>& srt) const {
  Sockets out{listener_names_, listener_.listening()};
  const auto add = [&out](const std::string& name, int fd) {
    out.names.push_back(name);
    out.fds.push_back(fd);
  };
  for (int udp : srt) add(kSrt, udp);
  for (const auto& [name, socket] : waiting_) add(name, socket.get());
  for (const UniqueFd& udp : srt_sockets_) add(kSrt, udp.get());
  for (const auto& [name, socket] : early_) add(name, socket.get());
  return out;
}

}  // namespace headgate::gate

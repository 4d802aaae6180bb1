// SPDX-License-Identifier: LGPL-2.1-or-later
#include "child.h"

#include <base/clock.h>
#include <base/io.h>
#include <common/log.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "policy_state.h"

namespace headgate::serve {
namespace {

int64_t now_ms() {
  return system_clock().mono_us() / 1000;
}

std::string how_it_ended(int code) {
  if (code < 0) return "ended";
  if (code < 128) return "ended with " + std::to_string(code);
  return "killed by signal " + std::to_string(code - 128);
}

constexpr char kUnknownProtocol[] = "unknown";

// For the log: that of a worker; of others none.
std::string worker_text(const Child::Place& place) {
  return place.number >= 0 ? std::to_string(place.number) : "";
}

}  // namespace

Child::Child(Loop& loop, Place place, Events events)
    : loop_(loop), place_(std::move(place)), events_(std::move(events)) {}

Child::~Child() {
  loop_.cancel(restart_);
  loop_.cancel(gone_);
  loop_.cancel(silence_timer_);
  loop_.cancel(wordless_);
  if (running()) loop_.unwatch(process_.pidfd.get());
}

bool Child::adopt_running() {
  auto channel = wire::Channel::connect(loop_, place_.socket);
  if (!channel) return false;
  auto process = adopt((*channel)->peer_pid());
  if (!process) return false;
  tools::log_notice("took over the running " + name(),
                    {{"CHILD_PID", process->pid}, {"WORKER", worker_text(place_)}});
  take(*std::move(process));
  connect(*std::move(channel));
  return true;
}

void Child::start() {
  if (running() || stopping_ || adopt_running()) return;
  auto process = spawn(place_.program());
  if (!process) {
    tools::log_error("cannot start " + name() + ": " + process.error().message);
    return start_later();
  }
  tools::log_info("started " + name(), {{"MESSAGE_ID", tools::message_id::kProcessStarted},
                                        {"CHILD_PID", process->pid},
                                        {"WORKER", worker_text(place_)}});
  take(*std::move(process));
}

void Child::take(Process process) {
  process_ = std::move(process);
  protocol_.clear();
  since_utc_us_ = system_clock().utc_us();
  since_mono_ms_ = now_ms();
  loop_.watch(process_.pidfd.get(), EPOLLIN, [this](uint32_t) { on_exit(); });
  expect_word(kStartMs);
  events_.changed(*this);
}

void Child::socket_appeared() {
  if (channel_ || stopping_ || incompatible()) return;
  if (!running()) {
    if (adopt_running()) loop_.cancel(std::exchange(restart_, 0));
    return;
  }
  auto channel = wire::Channel::connect(loop_, place_.socket);
  // Another process than ours: the one that came second finds the socket taken, ends, and start() adopts the
  // first.
  if (channel && (*channel)->peer_pid() == process_.pid) connect(*std::move(channel));
}

void Child::connect(std::unique_ptr<wire::Channel> channel) {
  channel_ = std::move(channel);
  channel_->start([this](const wire::Message& message,
                         std::vector<UniqueFd> fds) { on_message(message, std::move(fds)); },
                  [this] { on_closed(); });
  channel_->send(wire::Hello{"supervisor"});
}

void Child::on_closed() {
  const bool incompatible = channel_->incompatible();
  const auto version = channel_->peer_version();
  channel_.reset();
  if (incompatible) return on_other_protocol(version ? wire::text_of(*version) : kUnknownProtocol);
  if (version || wordless_ != 0) return;
  // One from before there were greetings refuses ours and goes on. One that is ending is told soon.
  wordless_ = loop_.after_ms(kWordlessMs, [this] {
    wordless_ = 0;
    if (running() && !channel_) on_other_protocol(kUnknownProtocol);
  });
}

void Child::on_other_protocol(const std::string& protocol) {
  protocol_ = protocol;
  loop_.cancel(std::exchange(silence_timer_, 0));
  tools::log_warning(name() + " speaks another protocol: " + protocol + ", not " +
                         wire::text_of(wire::kVersion) + ". It runs, and cannot be talked to",
                     {{"CHILD_PID", process_.pid}, {"WORKER", worker_text(place_)}});
  events_.changed(*this);
}

void Child::on_message(const wire::Message& message, std::vector<UniqueFd> fds) {
  if (std::holds_alternative<wire::Status>(message)) {
    expect_word(place_.silent_ms);
    const bool first = !std::exchange(ready_, true);
    if (std::exchange(hang_up_, false)) send_signal(process_, SIGHUP);
    if (first) events_.changed(*this);
  }
  events_.message(*this, message, std::move(fds));
}

void Child::expect_word(int64_t within_ms) {
  silence_.expect(within_ms, now_ms());
  if (silence_timer_ != 0) return;
  silence_timer_ = loop_.every_ms(kSilenceLookMs, [this] {
    if (!silence_.look(now_ms())) return;
    loop_.cancel(std::exchange(silence_timer_, 0));
    const std::string why = why_silent(process_.pid);
    tools::log_error(
        name() + " says nothing any more" + (why.empty() ? "" : " (it " + why + ")") + ": killed",
        {{"CHILD_PID", process_.pid}, {"WORKER", worker_text(place_)}});
    silent_ = true;
    kill();
  });
}

void Child::on_exit() {
  if (channel_) channel_->receive();  // its last words
  int code = collect(process_);
  loop_.unwatch(process_.pidfd.get());
  loop_.cancel(std::exchange(silence_timer_, 0));
  loop_.cancel(std::exchange(wordless_, 0));
  bool wanted = stopping_;
  was_silent_ = std::exchange(silent_, false);
  end_text_ = was_silent_ ? "said nothing any more and was killed" : how_it_ended(code);
  tools::log(wanted ? tools::Level::info : tools::Level::warning, name() + " " + end_text_,
             {{"MESSAGE_ID", tools::message_id::kProcessEnded},
              {"CHILD_PID", process_.pid},
              {"WORKER", worker_text(place_)}});
  last_pid_ = process_.pid;
  end_signal_ = code >= 128 ? code - 128 : 0;
  process_ = {};
  channel_.reset();
  ready_ = hang_up_ = false;
  if (wanted) ::unlink(place_.socket.c_str());  // one that was killed has left it
  events_.changed(*this);
  if (wanted) {
    if (retiring_ && code > 0) events_.died(*this);  // with what it still had
    return;
  }
  const auto own =
      events_.pause ? events_.pause(*this, code, now_ms() - since_mono_ms_) : std::optional<int64_t>();
  if (own && *own < 0) return;
  ++restarts_;
  start_later(own);
  events_.died(*this);
}

void Child::start_later(std::optional<int64_t> own_pause_ms) {
  const auto later = [this] {
    restart_ = loop_.after_ms(pause_ms_, [this] {
      restart_ = 0;
      start();
    });
  };
  if (own_pause_ms) {
    pause_ms_ = *own_pause_ms;
    return later();
  }
  if (now_ms() - since_mono_ms_ >= kSteadyMs) deaths_ = 0;
  ++deaths_;
  pause_ms_ = deaths_ <= kQuickRestarts ? 0 : std::min(std::max<int64_t>(1000, pause_ms_ * 2), kMaxPauseMs);
  if (deaths_ > kGiveUpDeaths && place_.number >= 0) pause_ms_ = kGivenUpMs;
  if (pause_ms_ > 0)
    tools::log_error(
        name() + " ends again and again: next start in " + std::to_string(pause_ms_ / 1000) + " s",
        {{"WORKER", worker_text(place_)}});
  later();
}

int Child::deaths() const {
  return running() && now_ms() - since_mono_ms_ >= kSteadyMs ? 0 : deaths_;
}

void Child::stop() {
  stopping_ = true;
  loop_.cancel(std::exchange(restart_, 0));
  send_signal(process_, SIGTERM);
  if (running()) return expect_word(kSilentMs);  // one that hangs in its end says nothing either
  // Between two starts: nothing else will say that it has ended.
  if (gone_ == 0)
    gone_ = loop_.after_ms(0, [this] {
      gone_ = 0;
      events_.changed(*this);
    });
}

void Child::retire() {
  stopping_ = retiring_ = true;
  loop_.cancel(std::exchange(restart_, 0));
  send_signal(process_, SIGUSR1);
}

Result<void> Child::move_to(const std::string& socket) {
  if (::rename(place_.socket.c_str(), socket.c_str()) != 0) return errno_error("rename " + place_.socket);
  place_.socket = socket;
  return {};
}

void Child::hang_up() {
  if (ready_)
    send_signal(process_, SIGHUP);
  else
    hang_up_ = running();  // it would die of it
}

void Child::ask_to_end() {
  send_signal(process_, SIGTERM);
}

void Child::kill() {
  send_signal(process_, SIGKILL);
}

bool Child::send(const wire::Message& message, const std::vector<int>& fds) {
  return channel_ && channel_->send(message, fds);
}

}  // namespace headgate::serve

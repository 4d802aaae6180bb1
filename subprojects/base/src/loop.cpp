// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/clock.h>
#include <base/guarded.h>
#include <base/loop.h>
#include <base/unique_fd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <map>
#include <system_error>
#include <unordered_map>
#include <vector>

namespace headgate {
namespace {

constexpr uint64_t kWakeTag = 0;   // epoll tag of the eventfd
constexpr uint64_t kTimerTag = 1;  // of the timerfd; watches count up from 2

int64_t now_us() {
  return system_clock().mono_us();
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

struct Loop::State {
  struct Watch {
    int fd;
    std::shared_ptr<IoCallback> callback;  // shared: a callback may unwatch itself while it runs
  };
  struct Timer {
    TimerId id;
    int64_t period_ms;  // 0: once
    std::shared_ptr<Callback> callback;
  };

  UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  UniqueFd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  // Readable when a timer is due, so that epoll is as well for a loop around this one.
  UniqueFd alarm{::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)};
  int64_t armed_us = 0;  // what `alarm` is set to; 0: off
  // Tags, not descriptors, go to epoll: an event for a descriptor that was closed and reused is not mistaken.
  std::unordered_map<uint64_t, Watch> watches;
  std::unordered_map<int, uint64_t> tag_of_fd;
  uint64_t last_tag = kTimerTag;
  std::multimap<int64_t, Timer> timers;  // by due time
  TimerId last_timer = 0;
  TimerId running_timer = 0;  // the one whose callback runs now
  bool running_cancelled = false;
  Guarded<std::vector<Callback>> posted;
  bool stopping = false;

  void run_posted() {
    uint64_t count;
    while (::read(wake.get(), &count, sizeof count) > 0) {
    }
    std::vector<Callback> batch;
    batch.swap(*posted.lock());
    for (auto& callback : batch) callback();
  }

  void run_timers() {
    int64_t now = now_us();
    while (!timers.empty() && timers.begin()->first <= now) {
      auto node = timers.extract(timers.begin());
      Timer& timer = node.mapped();
      running_timer = timer.id;
      running_cancelled = false;
      auto callback = timer.callback;
      (*callback)();
      running_timer = 0;
      if (timer.period_ms > 0 && !running_cancelled) {
        int64_t next = node.key() + timer.period_ms * 1000;
        node.key() = next > now ? next : now + timer.period_ms * 1000;
        timers.insert(std::move(node));
      }
    }
  }

  // Sets the alarm to the first timer. A cancelled timer's alarm stays: it wakes the loop once for nothing.
  void arm(bool spent) {
    int64_t due = timers.empty() ? 0 : timers.begin()->first;
    if (spent) armed_us = 0;
    if (due == 0 || due == armed_us || (armed_us != 0 && armed_us < due)) return;
    itimerspec at{};
    at.it_value.tv_sec = due / 1'000'000;
    at.it_value.tv_nsec = due % 1'000'000 * 1000;
    if (::timerfd_settime(alarm.get(), TFD_TIMER_ABSTIME, &at, nullptr) != 0) fail("timerfd_settime");
    armed_us = due;
  }

  void listen_to(int fd, uint64_t tag) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = tag}};
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }

  TimerId add_timer(int64_t ms, int64_t period_ms, Callback callback) {
    TimerId id = ++last_timer;
    timers.emplace(now_us() + ms * 1000,
                   Timer{id, period_ms, std::make_shared<Callback>(std::move(callback))});
    arm(false);
    return id;
  }
};

Loop::Loop() : state_(std::make_unique<State>()) {
  if (!state_->epoll || !state_->wake || !state_->alarm) fail("epoll_create1, eventfd or timerfd_create");
  state_->listen_to(state_->wake.get(), kWakeTag);
  state_->listen_to(state_->alarm.get(), kTimerTag);
}

Loop::~Loop() = default;

void Loop::watch(int fd, uint32_t events, IoCallback callback) {
  unwatch(fd);
  uint64_t tag = ++state_->last_tag;
  epoll_event event{.events = events, .data = {.u64 = tag}};
  if (::epoll_ctl(state_->epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl add");
  state_->watches[tag] = {fd, std::make_shared<IoCallback>(std::move(callback))};
  state_->tag_of_fd[fd] = tag;
}

void Loop::rewatch(int fd, uint32_t events) {
  auto found = state_->tag_of_fd.find(fd);
  if (found == state_->tag_of_fd.end()) return;
  epoll_event event{.events = events, .data = {.u64 = found->second}};
  if (::epoll_ctl(state_->epoll.get(), EPOLL_CTL_MOD, fd, &event) != 0) fail("epoll_ctl mod");
}

void Loop::unwatch(int fd) {
  auto found = state_->tag_of_fd.find(fd);
  if (found == state_->tag_of_fd.end()) return;
  ::epoll_ctl(state_->epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
  state_->watches.erase(found->second);
  state_->tag_of_fd.erase(found);
}

Loop::TimerId Loop::after_ms(int64_t ms, Callback callback) {
  return state_->add_timer(ms, 0, std::move(callback));
}

Loop::TimerId Loop::every_ms(int64_t ms, Callback callback) {
  return state_->add_timer(ms, std::max<int64_t>(ms, 1), std::move(callback));
}

void Loop::cancel(TimerId timer) {
  if (timer == 0) return;
  if (timer == state_->running_timer) state_->running_cancelled = true;
  auto& timers = state_->timers;
  auto found = std::find_if(timers.begin(), timers.end(), [&](auto& t) { return t.second.id == timer; });
  if (found != timers.end()) timers.erase(found);
}

void Loop::post(Callback callback) {
  state_->posted.lock()->push_back(std::move(callback));
  uint64_t one = 1;
  [[maybe_unused]] ssize_t n = ::write(state_->wake.get(), &one, sizeof one);
}

int Loop::fd() const {
  return state_->epoll.get();
}

void Loop::run_once(int64_t timeout_ms) {
  std::array<epoll_event, 128> events;
  int count = ::epoll_wait(state_->epoll.get(), events.data(), static_cast<int>(events.size()),
                           static_cast<int>(timeout_ms));
  if (count < 0 && errno != EINTR) fail("epoll_wait");
  bool alarm_spent = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    uint64_t tag = event.data.u64;  // a copy: epoll_event is packed, no reference may be bound to it
    if (tag == kWakeTag) {
      state_->run_posted();
      continue;
    }
    if (tag == kTimerTag) {
      uint64_t expirations;
      alarm_spent = ::read(state_->alarm.get(), &expirations, sizeof expirations) > 0;
      continue;
    }
    auto found = state_->watches.find(tag);
    if (found == state_->watches.end()) continue;  // unwatched by an earlier callback of this round
    auto callback = found->second.callback;
    (*callback)(event.events);
  }
  state_->run_timers();
  state_->arm(alarm_spent);
}

void Loop::run() {
  state_->stopping = false;
  while (!state_->stopping) run_once(-1);
}

void Loop::stop() {
  state_->stopping = true;
}

SignalWatch::SignalWatch(Loop& loop, std::initializer_list<int> signals,
                         std::function<void(int number)> callback)
    : SignalWatch(loop, signals,
                  [callback = std::move(callback)](const SignalInfo& signal) { callback(signal.number); }) {}

SignalWatch::SignalWatch(Loop& loop, std::initializer_list<int> signals,
                         std::function<void(const SignalInfo&)> callback)
    : loop_(loop) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : signals) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) fail("signalfd");
  loop_.watch(fd_, EPOLLIN, [fd = fd_, callback = std::move(callback)](uint32_t) {
    signalfd_siginfo info;
    while (::read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      const bool sent = info.ssi_code <= 0;  // SI_USER, SI_QUEUE, SI_TKILL
      callback({static_cast<int>(info.ssi_signo), sent, sent ? info.ssi_uid : 0,
                sent ? static_cast<int>(info.ssi_pid) : 0});
    }
  });
}

SignalWatch::~SignalWatch() {
  loop_.unwatch(fd_);
  ::close(fd_);
}

}  // namespace headgate

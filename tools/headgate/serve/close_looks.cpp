// SPDX-License-Identifier: LGPL-2.1-or-later
#include "close_looks.h"

#include <base/guarded.h>
#include <base/kernel_text.h>
#include <dirent.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace headgate::serve {
namespace {

int64_t count_descriptors(const std::string& folder) {
  struct stat status {};
  // Linux 6.2 and later say it here.
  if (::stat(folder.c_str(), &status) == 0 && status.st_size > 0) return status.st_size;
  const auto close = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close)> listing(::opendir(folder.c_str()), close);
  if (!listing) return -1;
  int64_t count = 0;
  while (const dirent* entry = ::readdir(listing.get()))
    if (entry->d_name[0] != '.') ++count;
  return count;
}

}  // namespace

CloseLook look_closely(int pid) {
  CloseLook out;
  const std::string folder = "/proc/" + std::to_string(pid);
  if (const auto text = kernel_text(folder + "/smaps_rollup"))
    if (const auto kilobytes = named_number(*text, "Pss"))
      out.proportional_bytes = static_cast<uint64_t>(*kilobytes) * 1024;
  out.open_fds = count_descriptors(folder + "/fd");
  rlimit limit{};
  const bool known = ::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) == 0;
  out.max_fds = known && limit.rlim_cur != RLIM_INFINITY ? static_cast<int64_t>(limit.rlim_cur) : -1;
  return out;
}

struct CloseLooks::Shared {
  explicit Shared(Look one) : look(std::move(one)) {}
  struct Data {
    std::deque<int> wanted;  // each process at most once, in the queue, being looked at or answered
    std::vector<std::pair<int, CloseLook>> answers;
    bool looking = false, stop = false;
    int64_t now_ms = 0, since_ms = 0;  // of who asks last, and when the look began that is under way
    uint64_t turn = 0;                 // of the thread whose turn it is
    size_t hung = 0;                   // threads whose turn is over, with a look that has not ended
  };
  const Look look;
  Guarded<Data> data;
  std::condition_variable changed;
};

CloseLooks::CloseLooks(Look look) : shared_(std::make_shared<Shared>(std::move(look))) {}

CloseLooks::~CloseLooks() {
  bool looking = false;
  {
    auto data = shared_->data.lock();
    data->stop = true;
    looking = data->looking;
  }
  shared_->changed.notify_all();
  if (!thread_.joinable()) return;
  looking ? thread_.detach() : thread_.join();
}

std::optional<CloseLooks::Seen> CloseLooks::of(int pid, int64_t now_ms) {
  take_answers(now_ms);
  forget_old(now_ms);
  if (processes_.size() >= kMaxLookedAt && !processes_.contains(pid)) return std::nullopt;
  auto [place, first] = processes_.try_emplace(pid);
  Process& process = place->second;
  process.wanted_ms = now_ms;
  if (first || (!process.waiting && now_ms - process.asked_ms >= kCloseLookMs)) {
    process.asked_ms = now_ms;
    process.waiting = true;
    ask(pid);
  }
  if (!process.look) return std::nullopt;
  return Seen{*process.look, now_ms - process.looked_ms};
}

void CloseLooks::take_answers(int64_t now_ms) {
  std::vector<std::pair<int, CloseLook>> answers;
  bool hangs = false;
  {
    auto data = shared_->data.lock();
    answers.swap(data->answers);
    data->now_ms = now_ms;
    hangs = data->looking && !data->wanted.empty() && now_ms - data->since_ms >= kCloseLookMs &&
            data->hung < kMaxHungLooks;
    if (hangs) {
      data->looking = false;
      ++data->hung;
      ++data->turn;
    }
  }
  if (hangs) begin_thread();
  for (const auto& [pid, look] : answers) {
    auto found = processes_.find(pid);
    if (found == processes_.end()) continue;
    found->second.look = look;
    found->second.looked_ms = found->second.asked_ms;
    found->second.waiting = false;
  }
}

// One that is waited for stays, so that there is never a second question about it.
void CloseLooks::forget_old(int64_t now_ms) {
  if (now_ms - forgot_ms_ < kForgetLookMs) return;
  forgot_ms_ = now_ms;
  std::erase_if(processes_, [&](const auto& one) {
    return !one.second.waiting && now_ms - one.second.wanted_ms >= kForgetLookMs;
  });
}

void CloseLooks::ask(int pid) {
  shared_->data.lock()->wanted.push_back(pid);
  shared_->changed.notify_all();
  if (!thread_.joinable()) begin_thread();
}

void CloseLooks::begin_thread() {
  if (thread_.joinable()) thread_.detach();
  const uint64_t turn = shared_->data.lock()->turn;
  // Signals are the loop's.
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([shared = shared_, turn] { run(shared, turn); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void CloseLooks::run(const std::shared_ptr<Shared>& shared, uint64_t turn) {
  ::pthread_setname_np(::pthread_self(), "close-looks");
  auto data = shared->data.lock();
  for (;;) {
    shared->changed.wait(data.mutex(), [&] { return data->stop || !data->wanted.empty(); });
    if (data->stop) return;
    const int pid = data->wanted.front();
    data->wanted.pop_front();
    data->looking = true;
    data->since_ms = data->now_ms;
    data.mutex().unlock();
    const CloseLook look = shared->look(pid);
    data.mutex().lock();
    data->answers.emplace_back(pid, look);
    if (data->turn != turn) {  // another thread has gone on
      --data->hung;
      return;
    }
    data->looking = false;
  }
}

}  // namespace headgate::serve

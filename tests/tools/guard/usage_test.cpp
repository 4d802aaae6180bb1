// SPDX-License-Identifier: LGPL-2.1-or-later
// What a process uses, of a child that does what it is told.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <guard/usage.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>

#include <base/unique_fd.h>

namespace headgate::guard {
namespace {

int64_t own_cpu_us() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

// Runs a job, says so, and lives until it is let go.
class Kid {
 public:
  explicit Kid(const std::function<void()>& job) {
    int ready[2], leave[2];
    if (::pipe(ready) != 0 || ::pipe(leave) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ready[0]);
      ::close(leave[1]);
      job();
      char byte = 0;
      if (::write(ready[1], &byte, 1) != 1) std::_Exit(1);
      std::_Exit(::read(leave[0], &byte, 1) == 0 ? 0 : 1);
    }
    ::close(ready[1]);
    ::close(leave[0]);
    leave_.reset(leave[1]);
    char byte;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
  }
  ~Kid() { end(); }
  int pid() const { return pid_; }
  // It ends, and stays to be waited for.
  void let_end() {
    leave_.reset();
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }
  void end() {
    leave_.reset();
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  int pid_ = 0;
  UniqueFd leave_;
};

// As soon as somebody has looked closely.
Usage looked_at(UsageMeter& meter, int64_t now_ms) {
  for (;; std::this_thread::yield()) {
    auto usage = meter.read(now_ms);
    if (!usage || usage->look_age_ms == 0) return usage ? *usage : Usage{};
  }
}

TEST(Usage, CountsTimeOfThreadsThatHaveEnded) {
  constexpr int64_t kBurnUs = 30'000;
  Kid kid([] {
    std::thread([] {
      while (own_cpu_us() < kBurnUs) {
      }
    }).join();
  });
  CloseLooks looks;
  UsageMeter meter(kid.pid(), looks);
  auto usage = meter.read(0);
  ASSERT_TRUE(usage) << usage.error().message;
  EXPECT_GE(usage->cpu_us, kBurnUs);
  EXPECT_LT(usage->cpu_us, kBurnUs + 10'000'000);
  EXPECT_EQ(usage->threads, 1);
}

TEST(Usage, MemoryThatIsSharedIsDivided) {
  constexpr size_t kBytes = 32 << 20;
  void* block = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(block, MAP_FAILED);
  std::memset(block, 1, kBytes);
  Kid kid([=] {
    volatile char sum = 0;
    for (size_t at = 0; at < kBytes; at += 4096) sum = sum + static_cast<char*>(block)[at];
  });
  CloseLooks looks;
  UsageMeter meter(kid.pid(), looks);
  const Usage usage = looked_at(meter, 0);
  EXPECT_GE(usage.resident_bytes, kBytes);
  EXPECT_GT(usage.proportional_bytes, kBytes / 4);
  EXPECT_LE(usage.proportional_bytes, usage.resident_bytes - kBytes / 3);
  ::munmap(block, kBytes);
}

TEST(Usage, CountsDescriptorsAgainAfterAWhile) {
  constexpr rlim_t kMost = 123;
  constexpr int kMore = 20;
  Kid kid([] {
    const rlimit limit{kMost, kMost};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < kMore; ++i)
      if (::open("/dev/null", O_RDONLY) < 0) std::_Exit(1);
  });
  Kid few([] {});
  CloseLooks looks;
  UsageMeter meter(kid.pid(), looks), less(few.pid(), looks);
  const Usage usage = looked_at(meter, 0), without = looked_at(less, 0);
  // What both have inherited is the same but for the pipes of the first.
  EXPECT_GE(usage.open_fds, kMore);
  EXPECT_LE(std::abs(usage.open_fds - kMore - without.open_fds), 1);
  EXPECT_EQ(usage.max_fds, static_cast<int64_t>(kMost));
  const rlimit lower{50, 50};
  ASSERT_EQ(::prlimit(kid.pid(), RLIMIT_NOFILE, &lower, nullptr), 0);
  EXPECT_EQ(meter.read(kCloseLookMs - 1)->max_fds, static_cast<int64_t>(kMost));
  EXPECT_EQ(looked_at(meter, kCloseLookMs).max_fds, 50);
}

TEST(Usage, SaysThatAProcessHasEnded) {
  Kid kid([] {});
  CloseLooks looks;
  UsageMeter meter(kid.pid(), looks);
  ASSERT_TRUE(meter.read(0));
  kid.let_end();
  auto waiting = meter.read(1);
  ASSERT_FALSE(waiting);
  EXPECT_EQ(waiting.error().code, ESRCH);
  kid.end();
  EXPECT_FALSE(meter.read(2));
}

TEST(Usage, LeavesOutWhatIsNotKnown) {
  Usage usage;
  usage.cpu_us = 5;
  usage.resident_bytes = 4096;
  usage.threads = 2;
  EXPECT_EQ(usage_json(usage), R"({"cpu_us":5,"resident_bytes":4096,"threads":2})");
  usage.proportional_bytes = 1024;
  usage.open_fds = 0;
  usage.max_fds = 1024;
  EXPECT_EQ(usage_json(usage), R"({"cpu_us":5,"resident_bytes":4096,"threads":2,"proportional_bytes":1024,)"
                               R"("open_fds":0,"max_fds":1024})");
  usage.look_age_ms = 7000;
  EXPECT_TRUE(usage_json(usage).ends_with(R"("max_fds":1024,"look_age_ms":7000})"));
}

}  // namespace
}  // namespace headgate::guard

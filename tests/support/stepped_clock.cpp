// SPDX-License-Identifier: LGPL-2.1-or-later
// For LD_PRELOAD: a machine whose clock is stepped. The file that HEADGATE_TEST_CLOCK names holds eight
// bytes, the microseconds by which CLOCK_REALTIME is wrong, for all processes that have it, from one moment
// to the next; the other clocks stay right.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

int64_t offset_us() {
  static const std::atomic<int64_t>* const shared = [] {
    const char* const path = std::getenv("HEADGATE_TEST_CLOCK");
    const int fd = path ? ::open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return static_cast<std::atomic<int64_t>*>(nullptr);
    void* const memory = ::mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    ::close(fd);
    return memory == MAP_FAILED ? nullptr : static_cast<std::atomic<int64_t>*>(memory);
  }();
  return shared ? shared->load(std::memory_order_relaxed) : 0;
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

void move(timespec& time) {
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t ns = time.tv_sec * kSecond + time.tv_nsec + offset_us() * 1000;
  time.tv_sec = ns / kSecond;
  time.tv_nsec = ns % kSecond;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static const auto real = next<int (*)(clockid_t, timespec*)>("clock_gettime");
  const int result = real(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) move(*time);
  return result;
}

int gettimeofday(timeval* __restrict time, void* __restrict) noexcept {
  timespec now{};
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return result;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}
}

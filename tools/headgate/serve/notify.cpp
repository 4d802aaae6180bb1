// SPDX-License-Identifier: LGPL-2.1-or-later
#include "notify.h"

#include <base/unique_fd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace headgate::serve {
namespace {

// A positive number, or 0.
int64_t number_of(const char* variable) {
  const char* text = std::getenv(variable);
  int64_t number = 0;
  if (!text) return 0;
  const char* end = text + std::strlen(text);
  auto read = std::from_chars(text, end, number);
  return read.ec == std::errc() && read.ptr == end && number > 0 ? number : 0;
}

}  // namespace

void notify_systemd(const std::string& state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (!path || !*path || std::strlen(path) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, std::strlen(path));
  if (address.sun_path[0] == '@') address.sun_path[0] = 0;
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), length);
}

int64_t watchdog_interval_ms() {
  // The variables are inherited by whoever is started: they are for one process only.
  if (const int64_t pid = number_of("WATCHDOG_PID"); pid != 0 && pid != ::getpid()) return 0;
  const int64_t usec = number_of("WATCHDOG_USEC");
  return usec == 0 ? 0 : std::max<int64_t>(1, usec / 2000);
}

std::string reloading_state() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);  // the manager's, which stands still while the machine sleeps
  return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.tv_sec * 1'000'000 + now.tv_nsec / 1000);
}

}  // namespace headgate::serve

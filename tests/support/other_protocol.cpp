// SPDX-License-Identifier: LGPL-2.1-or-later
// For LD_PRELOAD: programs of another version. Those whose file lies in the folder that HEADGATE_TEST_OTHER
// names speak a protocol of the next major with each other: what they send says so, and of what they are sent
// the same is taken off again, so that they find their own kind compatible and everybody else not.
#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr char kFront[] = "HGW\xff";  // wire/version.h
constexpr size_t kFrontBytes = 4, kMajorLow = 5, kGreetingBytes = 8;

bool is_other() {
  static const bool other = [] {
    const char* const folder = std::getenv("HEADGATE_TEST_OTHER");
    char path[4096];
    const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
    return folder && size > 0 &&
           std::string(path, static_cast<size_t>(size)).rfind(std::string(folder) + "/", 0) == 0;
  }();
  return other;
}

bool is_greeting(const void* data, size_t size) {
  return size == kGreetingBytes && std::memcmp(data, kFront, kFrontBytes) == 0;
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static const auto real = next<ssize_t (*)(int, const msghdr*, int)>("sendmsg");
  if (message->msg_iovlen != 1 || !is_other() ||
      !is_greeting(message->msg_iov[0].iov_base, message->msg_iov[0].iov_len))
    return real(fd, message, flags);
  uint8_t changed[kGreetingBytes];
  std::memcpy(changed, message->msg_iov[0].iov_base, sizeof changed);
  ++changed[kMajorLow];
  iovec part{changed, sizeof changed};
  msghdr other = *message;
  other.msg_iov = &part;
  return real(fd, &other, flags);
}

extern "C" ssize_t recvmsg(int fd, msghdr* message, int flags) {
  static const auto real = next<ssize_t (*)(int, msghdr*, int)>("recvmsg");
  const ssize_t size = real(fd, message, flags);
  if (size > 0 && message->msg_iovlen == 1 && is_other() &&
      is_greeting(message->msg_iov[0].iov_base, static_cast<size_t>(size)))
    --static_cast<uint8_t*>(message->msg_iov[0].iov_base)[kMajorLow];
  return size;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: libsrt's handles.
#pragma once

#include <srt/srt.h>
#include <sys/syslog.h>

#include <string>
#include <utility>

#include <base/result.h>

namespace headgate::srt {

// libsrt's threads run while one of these lives (it counts). Its log, which is the whole process's, goes to
// the standard error and has a line for everything that a stranger does: only its own failures are left in
// it.
class Library {
 public:
  Library() {
    srt_startup();
    srt_setloglevel(LOG_CRIT);
  }
  ~Library() { srt_cleanup(); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

class Socket {
 public:
  Socket() = default;
  explicit Socket(SRTSOCKET id) : id_(id) {}
  Socket(Socket&& other) noexcept : id_(std::exchange(other.id_, SRT_INVALID_SOCK)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (id_ != SRT_INVALID_SOCK) srt_close(id_);
  }
  SRTSOCKET get() const { return id_; }
  explicit operator bool() const { return id_ != SRT_INVALID_SOCK; }

 private:
  SRTSOCKET id_ = SRT_INVALID_SOCK;
};

inline Unexpected library_error(const std::string& what) {
  return Unexpected(srt_getlasterror(nullptr), what + ": " + srt_getlasterror_str());
}

}  // namespace headgate::srt

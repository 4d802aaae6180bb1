// SPDX-License-Identifier: LGPL-2.1-or-later
#include "srt_turn.h"

#include <base/io.h>
#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <utility>

namespace headgate::gate {

SrtTurn::SrtTurn(Loop& loop, const std::string& runtime_dir)
    : loop_(loop), path_(runtime_dir + "/srt.lock") {}

SrtTurn::~SrtTurn() {
  loop_.cancel(timer_);
}

Result<bool> SrtTurn::try_lock() {
  if (!lock_) {
    auto fd = open_file(path_, O_RDWR | O_CREAT, 0600);
    if (!fd) return Unexpected(fd.error());
    lock_ = *std::move(fd);
  }
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK || errno == EINTR) return false;
  return errno_error("lock " + path_);
}

Result<void> SrtTurn::take(std::function<void()> ours) {
  auto locked = try_lock();
  if (!locked) return Unexpected(locked.error());
  if (*locked) {
    ours();
    return {};
  }
  timer_ = loop_.every_ms(kSrtTurnMs, [this, ours = std::move(ours)] {
    if (auto now = try_lock(); !now || !*now) return;
    const auto act = ours;  // this callback goes with its timer
    loop_.cancel(std::exchange(timer_, 0));
    act();
  });
  return {};
}

void SrtTurn::give_up() {
  loop_.cancel(std::exchange(timer_, 0));
  lock_.reset();
}

}  // namespace headgate::gate

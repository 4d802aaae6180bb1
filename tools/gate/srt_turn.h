// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose turn it is to read the node's UDP sockets. A gate and its successor have the same ones, and libsrt
// shares none with another process: whoever reads first takes packets that are the other's. So the gate that
// listens for SRT holds a lock, srt.lock in the runtime folder, until its SRT sessions have ended, and the
// next one waits for it; the kernel lets go of it when a gate dies. In the loop's thread.
#pragma once

#include <functional>
#include <string>

#include <base/loop.h>
#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::gate {

inline constexpr int64_t kSrtTurnMs = 50;  // between two looks; a caller tries again after 250 ms

class SrtTurn {
 public:
  SrtTurn(Loop& loop, const std::string& runtime_dir);
  ~SrtTurn();
  SrtTurn(const SrtTurn&) = delete;
  SrtTurn& operator=(const SrtTurn&) = delete;

  // Calls `ours` when it is this process's turn, at once if it can be. An error is the lock file's.
  Result<void> take(std::function<void()> ours);
  void give_up();  // the turn, or waiting for it
  bool waiting() const { return timer_ != 0; }

 private:
  Result<bool> try_lock();

  Loop& loop_;
  const std::string path_;
  UniqueFd lock_;
  Loop::TimerId timer_ = 0;
};

}  // namespace headgate::gate

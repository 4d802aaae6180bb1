// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the disk fail: this program's own pwritev(), syncfs() and flock() stand before libc's.
#pragma once

#include <atomic>
#include <functional>

namespace headgate::test {

struct FailingDisk {
  std::atomic<int> pwritev_errno{0};  // 0: works
  std::atomic<int> syncfs_errno{0};
  std::atomic<int> pwritev_bytes{0};  // a failing pwritev first writes so many, once
  std::atomic<int> syncfs_calls{0};
  std::atomic<bool> syncfs_waits{false};  // until it is false and notified
  // Called by a flock() that would not wait, whose errno it gives; 0: locks. To be set while none is called.
  std::function<int()> on_flock;
};
FailingDisk& failing_disk();

}  // namespace headgate::test

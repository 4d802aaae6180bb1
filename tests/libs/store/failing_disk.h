// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the disk fail: this program's own pwritev() and syncfs() stand before libc's.
#pragma once

#include <atomic>

namespace headgate::test {

struct FailingDisk {
  std::atomic<int> pwritev_errno{0};  // 0: works
  std::atomic<int> syncfs_errno{0};
  std::atomic<int> pwritev_bytes{0};  // a failing pwritev first writes so many, once
  std::atomic<int> syncfs_calls{0};
};
FailingDisk& failing_disk();

}  // namespace headgate::test

// SPDX-License-Identifier: LGPL-2.1-or-later
// Tests of what runs on an event loop, and has its sockets and files in a folder.
#pragma once

#include <base/loop.h>
#include <gtest/gtest.h>

#include <chrono>

#include "scratch_directory.h"

namespace headgate::test {

// What a busy machine may take.
inline constexpr std::chrono::seconds kLoopPatience{60};

// Runs `loop` until `condition`, which is asked after each round and each kLookAgainMs. False: it did not
// come to be so within `patience`.
template <typename Condition>
bool run_until(Loop& loop, const Condition& condition, std::chrono::seconds patience = kLoopPatience) {
  constexpr int kLookAgainMs = 20;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    loop.run_once(kLookAgainMs);
  }
  return true;
}

class LoopTest : public testing::Test {
 protected:
  template <typename Condition>
  bool wait_for(const Condition& condition, std::chrono::seconds patience = kLoopPatience) {
    return run_until(loop_, condition, patience);
  }

  Loop loop_;
  const ScratchDirectory scratch_;
  const std::string& folder_ = scratch_.path();
};

}  // namespace headgate::test

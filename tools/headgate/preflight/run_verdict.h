// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace headgate::preflight {

// What a run on the disk is worth (docs/archive.md): its chain of lines, and the bytes that they attest.
struct RunVerdict {
  std::string ended;  // why; empty: it has no end yet
  uint64_t lines = 0, segments = 0, frames = 0, bytes = 0;
  std::vector<std::string> faults;  // sentences
};

inline constexpr size_t kMaxChainBytes = 64u << 20;
inline constexpr size_t kMaxRunFileBytes = 1u << 30;

// `directory`: …/STATION/RUN, whose name the chain begins with.
RunVerdict judge_run(const std::string& directory);

}  // namespace headgate::preflight

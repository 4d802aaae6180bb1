// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/node_turns.h"

#include <base/pressure.h>
#include <base/unique_fd.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <utility>

namespace headgate::abrhlssink {
namespace {

constexpr size_t kBytes = sizeof(ladder::TurnState);

// Null: it cannot be had. Its blocks are allocated: on a full disk nobody could write to a mapped hole.
std::shared_ptr<ladder::TurnState> map(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file || ::posix_fallocate(file.get(), 0, kBytes) != 0) return nullptr;
  void* const at = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) return nullptr;
  // What others wrote there stays: zero bytes are a state, as any others.
  return {static_cast<ladder::TurnState*>(at), [](ladder::TurnState* state) { ::munmap(state, kBytes); }};
}

}  // namespace

NodeTurns::NodeTurns(const std::string& root, std::string proc)
    : proc_(std::move(proc)), state_(map(root + "/" + kTurnsFile)) {
  if (!state_) state_ = std::make_shared<ladder::TurnState>();
}

bool NodeTurns::take(ladder::ReliefAction action, int64_t now_ns) {
  ladder::Turn turn(*state_);
  if (action != ladder::ReliefAction::resume) return turn.pause(now_ns);
  return turn.resume(now_ns, pressure_percent("cpu", "some", proc_).value_or(0) > kPressedPercent);
}

}  // namespace headgate::abrhlssink

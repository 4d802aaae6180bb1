// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/node_turns.h"

#include <base/pressure.h>
#include <base/unique_fd.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace headgate::abrhlssink {
namespace {

constexpr size_t kBytes = sizeof(ladder::TurnState);
constexpr int kMostTries = 20;  // the last one of others may just be taking it away
constexpr useconds_t kTryAgainUs = 1000;

// Mapped, and held by a lock that those who have it share: the last takes it away.
struct Mapping {
  UniqueFd file;
  std::string path;
  void* at = MAP_FAILED;

  ~Mapping() {
    if (at != MAP_FAILED) ::munmap(at, kBytes);
    if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
  }
};

// Ours, alone, and still what the path says.
bool is_in_place(int file, const std::string& path) {
  struct stat is {
  }, named{};
  return ::fstat(file, &is) == 0 && S_ISREG(is.st_mode) && is.st_uid == ::geteuid() &&
         ::lstat(path.c_str(), &named) == 0 && named.st_dev == is.st_dev && named.st_ino == is.st_ino;
}

// Null: it cannot be had. Its blocks are allocated: where there is no room nobody could write to a mapped
// hole.
std::shared_ptr<ladder::TurnState> map(const std::string& path) {
  for (int tries = 0; tries < kMostTries; ++tries) {
    auto mapping = std::make_shared<Mapping>();
    mapping->file = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!mapping->file || ::flock(mapping->file.get(), LOCK_SH | LOCK_NB) != 0) {
      if (!mapping->file || errno != EWOULDBLOCK) return nullptr;
      ::usleep(kTryAgainUs);
      continue;
    }
    mapping->path = path;
    if (!is_in_place(mapping->file.get(), path)) {
      mapping->path.clear();
      continue;
    }
    if (::posix_fallocate(mapping->file.get(), 0, kBytes) != 0) return nullptr;
    mapping->at = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, mapping->file.get(), 0);
    if (mapping->at == MAP_FAILED) return nullptr;
    // What others wrote there stays: zero bytes are a state, as any others.
    auto* const state = static_cast<ladder::TurnState*>(mapping->at);
    return {std::move(mapping), state};
  }
  return nullptr;
}

// In memory: the archive's disk may hang, and who takes a turn must not wait for it.
std::string path_of(const std::string& root) {
  struct stat folder {};
  if (::stat(root.c_str(), &folder) != 0) return "";
  return std::string(kTurnsFront) + std::to_string(::geteuid()) + "-" + std::to_string(folder.st_dev) + "-" +
         std::to_string(folder.st_ino);
}

}  // namespace

NodeTurns::NodeTurns(const std::string& root, std::string proc, std::string sys)
    : proc_(std::move(proc)), sys_(std::move(sys)) {
  if (const std::string path = path_of(root); !path.empty()) state_ = map(path);
  if (!state_) state_ = std::make_shared<ladder::TurnState>();
}

bool NodeTurns::take(ladder::ReliefAction action, int64_t now_ns) {
  ladder::Turn turn(*state_);
  if (action != ladder::ReliefAction::resume) return turn.pause(now_ns);
  return turn.resume(now_ns, pressure().value_or(0) > kPressedPercent);
}

bool NodeTurns::short_of_processors() const {
  return pressure().value_or(100) > kShortPercent;
}

std::optional<double> NodeTurns::pressure() const {
  return own_pressure_percent("cpu", "some", proc_, sys_);
}

}  // namespace headgate::abrhlssink

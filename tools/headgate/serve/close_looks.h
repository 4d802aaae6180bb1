// SPDX-License-Identifier: LGPL-2.1-or-later
// What of a process takes long to find out: its share of memory that others have as well, and how many
// descriptors it has. For the former the kernel walks its page tables under a lock that the process itself
// may hold for as long as it likes, so this is read in a thread, and who asks gets what was seen last.
// Whoever asks shares it: no process is looked at more often than each kCloseLookMs. One that holds up its
// look for so long holds up no other's: they go on in another thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <thread>

namespace headgate::serve {

inline constexpr int64_t kCloseLookMs = 10'000;
inline constexpr int64_t kForgetLookMs = 60'000;  // since somebody asked
inline constexpr size_t kMaxLookedAt = 4096;      // processes; more are not looked at
inline constexpr size_t kMaxHungLooks = 8;        // threads; when so many hang, the next holds up all

struct CloseLook {
  uint64_t proportional_bytes = 0;      // PSS; 0: not known
  int64_t open_fds = -1, max_fds = -1;  // -1: not known
  bool operator==(const CloseLook&) const = default;
};
// Now, in the calling thread, which may have to wait.
CloseLook look_closely(int pid);

// One thread asks; the looks are taken in another, one at a time, which there is from the first question on.
class CloseLooks {
 public:
  using Look = std::function<CloseLook(int pid)>;
  struct Seen {
    CloseLook look;
    int64_t age_ms = 0;  // since it was asked for
  };

  explicit CloseLooks(Look look = look_closely);
  // Does not wait for a look that is under way: its thread ends when that does, or with the process.
  ~CloseLooks();
  CloseLooks(const CloseLooks&) = delete;
  CloseLooks& operator=(const CloseLooks&) = delete;

  // Never waits. Nothing: it was not looked at yet. `now_ms` never goes back.
  std::optional<Seen> of(int pid, int64_t now_ms);

 private:
  struct Shared;
  struct Process {
    std::optional<CloseLook> look;
    int64_t looked_ms = 0;  // when the last one was asked for that has come
    int64_t asked_ms = 0;   // the last one
    int64_t wanted_ms = 0;  // when somebody wanted to know
    bool waiting = false;   // for the last one
  };
  void take_answers(int64_t now_ms);
  void forget_old(int64_t now_ms);
  void ask(int pid);
  void begin_thread();
  static void run(const std::shared_ptr<Shared>& shared, uint64_t turn);

  const std::shared_ptr<Shared> shared_;
  std::map<int, Process> processes_;
  int64_t forgot_ms_ = 0;
  std::thread thread_;
};

}  // namespace headgate::serve

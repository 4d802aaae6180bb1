// SPDX-License-Identifier: LGPL-2.1-or-later
// The gate's ports, from the socket that was given for one until it is listened on. A socket waits for what
// the supervisor says of the node, then for the workers that are there to say what they can do, and one of
// SRT for this gate's turn (srt_turn.h); who comes meanwhile waits in the kernel. In the loop's thread.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <base/loop.h>
#include <base/result.h>
#include <base/unique_fd.h>
#include <ingest/listener.h>

#include "front.h"
#include "srt_turn.h"

namespace headgate::gate {

inline constexpr char kSrt[] = "srt";  // name of a socket, and of the protocol
inline constexpr int64_t kFirstPolicyMs = 2000;

class Ports {
 public:
  struct Hooks {
    std::function<bool()> workers_known;  // all that are there have said what they can do
    std::function<Result<void>(UniqueFd socket)> listen_srt;
    std::function<void()> opened;  // once: from now on publishers are let in
  };
  // The references outlive it.
  Ports(Loop& loop, const Front& front, ingest::Listener& listener, const std::string& runtime_dir,
        Hooks hooks);
  ~Ports();
  Ports(const Ports&) = delete;
  Ports& operator=(const Ports&) = delete;

  // Sockets that are added from now on wait for stop_waiting(), kFirstPolicyMs at most.
  void wait_for_policy();
  void stop_waiting();
  // "rtmp", "rtmps", "srt". An error is that of a socket that cannot be listened on; of one that waits it is
  // logged later.
  Result<void> add(const std::string& name, UniqueFd socket);
  void look_at_workers();  // they have said something, or gone
  bool ready() const { return open_ || early_.empty(); }
  // No port is this gate's any more, but for SRT's as long as it has the turn.
  void retire();
  void give_up_srt_turn();

  // All sockets, with the name that each was given; `srt`: what the listener of SRT has.
  struct Sockets {
    std::vector<std::string> names;
    std::vector<int> fds;
  };
  Sockets all(const std::vector<int>& srt) const;

 private:
  using Socket = std::pair<std::string, UniqueFd>;
  Result<void> accept(const std::string& name, UniqueFd socket);
  Result<void> open_port(const std::string& name, UniqueFd socket);
  void open();
  void take_srt_turn();

  Loop& loop_;
  const Front& front_;
  ingest::Listener& listener_;
  const Hooks hooks_;
  std::vector<Socket> waiting_;              // as add() was given them
  Loop::TimerId policy_timer_ = 0;           // they wait
  std::vector<std::string> listener_names_;  // in the order of listener_.listening()
  std::vector<Socket> early_;                // for want of workers
  std::vector<UniqueFd> srt_sockets_;        // for want of the turn
  SrtTurn srt_turn_;
  bool srt_ours_ = false;    // it is this gate's turn
  std::string srt_problem_;  // of taking the turn
  bool open_ = false;
  Loop::TimerId open_timer_ = 0;
};

}  // namespace headgate::gate

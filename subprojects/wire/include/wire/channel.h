// SPDX-License-Identifier: LGPL-2.1-or-later
// A SEQPACKET connection on a Loop, and the socket that accepts such connections. Sending never blocks:
// messages that the peer does not take are queued up to kMaxQueuedBytes, then the channel is closed (a peer
// so slow is dead). All calls in the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <base/loop.h>
#include <base/unique_fd.h>
#include <wire/messages.h>

namespace headgate::wire {

inline constexpr size_t kMaxQueuedBytes = 8 * 1024 * 1024;

class Channel {
 public:
  using OnMessage = std::function<void(Message message, std::vector<UniqueFd> fds)>;
  using OnClosed =
      std::function<void()>;  // peer gone, error, undecodable packet; once; may destroy the channel

  static Result<std::unique_ptr<Channel>> connect(Loop& loop, const std::string& path);
  Channel(Loop& loop, UniqueFd socket);
  ~Channel();
  void start(OnMessage on_message, OnClosed on_closed);
  // The descriptors are duplicated by the kernel; the caller keeps its own. False: the channel is closed.
  bool send(const Message& message, std::vector<int> fds = {});
  int peer_pid() const;  // SO_PEERCRED

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Acceptor {
 public:
  using OnChannel = std::function<void(std::unique_ptr<Channel>)>;
  // Replaces a stale socket file; refuses when a living process listens there. Mode 0600; removed on
  // destruction.
  static Result<std::unique_ptr<Acceptor>> listen(Loop& loop, const std::string& path, OnChannel on_channel);
  ~Acceptor();

 private:
  struct State;
  explicit Acceptor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace headgate::wire

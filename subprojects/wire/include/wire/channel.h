// SPDX-License-Identifier: LGPL-2.1-or-later
// A SEQPACKET connection on a Loop, and the socket that accepts such connections. Each end first tells which
// protocol it speaks (wire/version.h); with one that is incompatible nothing is exchanged. Sending never
// blocks: messages that the peer does not take are queued up to kMaxQueuedBytes, then the channel is closed
// (a peer so slow is dead). All calls in the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <base/loop.h>
#include <base/unique_fd.h>
#include <wire/messages.h>
#include <wire/version.h>

namespace headgate::wire {

inline constexpr size_t kMaxQueuedBytes = 8 * 1024 * 1024;
inline constexpr size_t kMaxQueuedFds = 256;

class Channel {
 public:
  using OnMessage = std::function<void(Message message, std::vector<UniqueFd> fds)>;
  // Peer gone or incompatible, error, undecodable packet, queue full; once, never from within send() or
  // start(). Both callbacks may destroy the channel.
  using OnClosed = std::function<void()>;

  // Fails at once when nobody listens on `path`.
  static Result<std::unique_ptr<Channel>> connect(Loop& loop, const std::string& path);
  Channel(Loop& loop, UniqueFd socket);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void start(OnMessage on_message, OnClosed on_closed);
  // Takes what has come, as the loop would: of a peer that has ended, its last words. Not from within a
  // callback.
  void receive();
  // The descriptors are duplicated; the caller keeps its own. False: the channel is closed, or the message is
  // larger than kMaxMessageBytes or has more than kMaxFds descriptors (it was not sent; the channel lives).
  bool send(const Message& message, const std::vector<int>& fds = {});
  // Between hold() and release() messages wait, and then go out in bundles: the peer wakes up once for all of
  // them rather than for each. In pairs.
  void hold();
  void release();
  // All messages have been handed to the kernel.
  bool drained() const;
  int peer_pid() const;  // SO_PEERCRED; 0 when not known
  // What the peer speaks; nothing: it has not told (yet), or what it sent first was no greeting.
  std::optional<Version> peer_version() const;
  // It was closed because the peer speaks another protocol, or none that we know.
  bool incompatible() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the callback that runs while it is destroyed
};

class Acceptor {
 public:
  using OnChannel = std::function<void(std::unique_ptr<Channel>)>;
  // Replaces a stale socket file; refuses with code EADDRINUSE when a living process listens there. Mode
  // 0600, and only processes of this user (or root) are let in. The name appears when connecting to it works;
  // it is removed on destruction, unless it is another socket's by then: a name may be moved away, and its
  // place be taken by a successor.
  static Result<std::unique_ptr<Acceptor>> listen(Loop& loop, const std::string& path, OnChannel on_channel);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

 private:
  struct State;
  explicit Acceptor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace headgate::wire

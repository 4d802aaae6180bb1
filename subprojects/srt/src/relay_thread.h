// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: the thread that accepts callers and moves what admitted ones send into their
// socketpairs. It never waits for a session: one whose pair is full is not read, so that its data stays in
// SRT's buffer, and is gone on with when its pair has room again. libsrt has no descriptors to wait on; its
// own wait looks every 10 ms, and commands are seen then.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include <base/clock.h>
#include <base/guarded.h>
#include <base/unique_fd.h>
#include <srt/relay.h>

#include "library.h"

namespace headgate::srt {

class RelayThread {
 public:
  // Called in the relay's thread; none may block.
  struct Events {
    std::function<void(SRTSOCKET)> accepted;
    // The pair is full, and `pair` has to be watched for room: then resume().
    std::function<void(SRTSOCKET, int pair)> held;
    // The connection is over, whoever ended it. Nothing was lost on the way to the session.
    std::function<void(SRTSOCKET, UniqueFd pair)> ended;
  };

  RelayThread(const Clock& clock, Events events);
  ~RelayThread();  // closes every connection; no `ended` comes
  RelayThread(const RelayThread&) = delete;
  RelayThread& operator=(const RelayThread&) = delete;

  // From any thread.
  bool works() const { return epoll_ >= 0; }
  // A socket that does not listen yet: libsrt tells of callers that come after this only. Stays the caller's.
  bool accept_from(SRTSOCKET listener);
  void start(Socket socket, UniqueFd pair);
  void resume(SRTSOCKET socket);
  void stop(SRTSOCKET socket);  // the session has closed its end
  size_t links() const { return links_count_; }

 private:
  struct Link {
    Socket socket;
    UniqueFd pair;
    LinkStats stats;  // totals so far
    int64_t stats_due_us = 0, rate_since_us = 0;
    int64_t held_since_us = 0;    // 0: not held
    int64_t ends_us = 0;          // the publisher has gone: what is buffered comes until then; 0: it is there
    std::optional<int32_t> last;  // sequence number of the payload before
    // What was read, and the holes in it: the totals when libsrt does not tell them any more.
    uint64_t payloads = 0, payload_bytes = 0, missing = 0;
    // A payload that the pair had no room for, and what stands in front of it.
    std::array<std::byte, kMaxPacket> kept;
    size_t kept_size = 0;
  };
  struct Command {
    enum Kind { kStart, kResume, kStop } kind;
    SRTSOCKET socket;
    Socket owned;  // of kStart
    UniqueFd pair;
  };
  enum class Sent { kYes, kFull, kClosed };

  void command(Command command);
  void run();
  void take_commands();
  void begin(Socket socket, UniqueFd pair);
  void subscribe(Link& link);
  bool is_listener(SRTSOCKET socket);
  void accept_all(SRTSOCKET listener);
  bool read(Link& link);  // true: there may be more; false: nothing now, held, or the link has ended
  void read_ending();
  Sent send(Link& link, Bytes packet);
  void hold(Link& link, Bytes packet);
  void go_on(Link& link);
  void end(Link& link);
  void send_stats(int64_t now_us);
  void measure(Link& link, int64_t now_us);
  void send_last_stats(Link& link);
  static void set_rate(Link& link, uint64_t received_bytes, int64_t now_us);

  const Clock& clock_;
  const Events events_;
  const int epoll_;
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> links_count_{0};
  Guarded<std::vector<Command>> commands_;
  Guarded<std::vector<SRTSOCKET>> listeners_;
  // The thread's own.
  std::unordered_map<SRTSOCKET, Link> links_;
  std::vector<SRTSOCKET> ending_;  // links with ends_us
  int64_t stats_checked_us_ = 0;
  ByteVector stats_packet_;
  std::thread thread_;
};

}  // namespace headgate::srt

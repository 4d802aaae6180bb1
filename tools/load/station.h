// SPDX-License-Identifier: LGPL-2.1-or-later
// One publisher of a load: a station that publishes the clip in real time, loses its connection when it is
// told to or when the server wishes, and comes back.
#pragma once

#include <sys/socket.h>

#include <cstdio>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <base/loop.h>
#include <base/unique_fd.h>
#include <load/clip.h>
#include <load/distribution.h>
#include <rtmp/client.h>

namespace headgate::load {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;  // 0: none
};

// How a session ended.
enum class Ended {
  kNot,       // it goes on
  kFinished,  // we said that the stream is over, and everything was delivered
  kCut,       // we broke the connection on purpose
  kDropped,   // the server closed it, or it broke
  kRefused,   // before it was accepted
  kGivenUp,   // the load ended before it was accepted
};
const char* ended_name(Ended ended);

struct SessionRecord {
  double start_s = 0;  // from the beginning of the load to `publish` accepted, or to the refusal
  uint64_t video = 0;  // frames of which the socket took every byte, sequence headers not counted
  uint64_t audio = 0;
  uint64_t bytes = 0;        // all that the socket took after the handshake's first byte
  uint64_t undelivered = 0;  // at a cut: of these, bytes that the peer's kernel had not acknowledged
  Ended ended = Ended::kNot;
};

inline constexpr int64_t kAnswerSeconds = 10;    // from connect() to `publish` accepted
inline constexpr int64_t kFinishSeconds = 5;     // from finish() to the server's close
inline constexpr int64_t kMaxRetrySeconds = 30;  // the pause after failures: 1, 2, 4, …, this
inline constexpr int64_t kSilentSeconds = 60;    // how long a connection cut without a word stays open
inline constexpr size_t kMaxReasons = 64;        // different texts counted one by one

// What all stations of a load share. One thread.
struct LoadTotals {
  uint64_t sessions = 0, accepted = 0, finished = 0, cut = 0, dropped = 0, refused = 0, given_up = 0;
  uint64_t connecting = 0, live = 0;  // now
  uint64_t bytes = 0, sends = 0;
  uint64_t late_200ms = 0, late_1s = 0;  // messages
  double lag_max_ms = 0;
  double lag_interval_ms = 0;  // since somebody last set it to zero
  double stream_seconds = 0;   // of sessions that have ended
  Distribution connect_ms;     // from connect() to `publish` accepted, all connections of a challenge
  Distribution accept_ms;      // from `publish` sent to accepted
  std::map<std::string, uint64_t> reasons;  // of refusals and drops
};

struct LoadShared {
  Loop& loop;
  const Clip& clip;
  Address server;
  int64_t started_us = 0;
  LoadTotals totals;
  std::mt19937_64 random;
  std::FILE* keyframe_log = nullptr;  // of the station that has `log_keyframes` set
};

class Station {
 public:
  static constexpr int64_t kNever = INT64_MAX;

  // `shared` must outlive it. `due_us`, the owner's, is when serve() wants to be called next; kNever: only
  // the socket can go on, or it is over.
  Station(LoadShared& shared, int64_t& due_us, uint32_t number, rtmp::PublishTarget target,
          uint32_t first_keyframe, Address local, bool log_keyframes);
  ~Station();
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  void serve(int64_t now_us);
  void start_at(int64_t at_us);  // its first connection

  bool over() const { return state_ == State::kOver; }
  bool live() const { return state_ == State::kLive; }
  // In live(): breaks the connection (with a reset, or without a word: the old socket stays open and silent)
  // and comes back at `back_us`.
  void cut(int64_t now_us, int64_t back_us, bool silent);
  // In live(): sends nothing until then, and after that everything at once.
  void stall(int64_t until_us);
  // Says goodbye when live, gives up otherwise; over() follows within kFinishSeconds.
  void finish(int64_t now_us);

  uint32_t number() const { return number_; }
  std::vector<SessionRecord> records(int64_t now_us) const;  // the present one included

 private:
  enum class State { kIdle, kConnecting, kTalking, kLive, kFinishing, kDraining, kOver };

  void open(int64_t now_us);
  void on_io(uint32_t events);
  void read_socket(int64_t now_us);
  void drive_client(int64_t now_us);
  void go_live(int64_t now_us);
  bool flush_output(int64_t now_us);
  void pump(int64_t now_us);
  bool send_media(int64_t now_us);
  void account_sent(uint64_t bytes, int64_t now_us);
  void finish_when_sent(int64_t now_us);
  void want_writable(bool want);
  void fail(int64_t now_us, Ended how, const std::string& reason);
  void end_session(int64_t now_us, Ended how);
  void break_socket(bool silent);
  int64_t message_due(uint64_t message) const;
  SessionRecord record(int64_t now_us) const;
  uint64_t undelivered() const;

  LoadShared& shared_;
  int64_t& due_us_;
  const uint32_t number_;
  const rtmp::PublishTarget target_;
  const uint32_t first_;  // index of the clip's message that sessions begin with
  const Address local_;
  const bool log_keyframes_;

  State state_ = State::kIdle;
  bool ending_ = false;  // finish() was called
  int failures_ = 0;     // in a row, for the pause before the next attempt
  std::vector<SessionRecord> ended_;

  // The connection.
  UniqueFd fd_;
  bool want_writable_ = false;
  std::optional<rtmp::Client> client_;
  ByteVector output_;  // commands; goes out between two media messages
  size_t output_at_ = 0;
  int64_t opened_us_ = 0;  // of the first connection of a challenge
  int64_t asked_us_ = 0;   // `publish` was sent
  uint64_t bytes_ = 0;

  // The media, counted in messages from the session's first.
  int64_t live_us_ = 0;     // when the first message was due
  uint64_t next_ = 0;       // the first message that is not due yet
  uint64_t sent_ = 0;       // messages that the socket took completely
  uint32_t sent_part_ = 0;  // bytes of message sent_ that it took
  size_t at_ = 0;           // in the clip's chunks: the next byte to send
  uint64_t unsent_ = 0;     // bytes due and not yet taken
  int64_t stalled_until_us_ = 0;
};

}  // namespace headgate::load

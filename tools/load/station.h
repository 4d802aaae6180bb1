// SPDX-License-Identifier: LGPL-2.1-or-later
// One publisher of a load, whatever it speaks: a station that publishes the clip in real time, loses its
// connection when it is told to or when the server wishes, and comes back.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <base/loop.h>
#include <load/distribution.h>

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
  double start_s = 0;  // from the beginning of the load to the acceptance, or to the refusal
  uint64_t video = 0;  // frames of which the socket took every byte, sequence headers not counted
  uint64_t audio = 0;
  uint64_t bytes = 0;        // all that the socket took after the handshake's first byte
  uint64_t undelivered = 0;  // at a cut: of these, bytes that the peer had not acknowledged
  Ended ended = Ended::kNot;
};

inline constexpr int64_t kSecond = 1'000'000;    // microseconds
inline constexpr int64_t kAnswerSeconds = 10;    // from connecting to being accepted
inline constexpr int64_t kFinishSeconds = 5;     // from finish() to the connection's end
inline constexpr int64_t kMaxRetrySeconds = 30;  // the pause after failures: 1, 2, 4, …, this
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
  Distribution connect_ms;     // from connecting to being accepted, all connections of a challenge
  Distribution accept_ms;      // from `publish` sent to accepted; SRT has no such step
  std::map<std::string, uint64_t> reasons;  // of refusals and drops
  std::map<std::string, uint64_t> asked;    // to reconnect, by the address to go to; empty: the same
};

struct LoadShared {
  Loop& loop;
  int64_t started_us = 0;
  LoadTotals totals;
  std::mt19937_64 random;
  std::FILE* keyframe_log = nullptr;  // of the load's first station
};

class Station {
 public:
  static constexpr int64_t kNever = INT64_MAX;

  virtual ~Station() = default;
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  // What is due.
  virtual void serve(int64_t now_us) = 0;
  void start_at(int64_t at_us) { due_us_ = at_us; }  // its first connection

  bool over() const { return state_ == State::kOver; }
  bool live() const { return state_ == State::kLive; }
  // In live(): breaks the connection (so that the server hears of it, or, where the protocol can, without a
  // word: the old socket stays open and silent) and comes back at `back_us`.
  virtual void cut(int64_t now_us, int64_t back_us, bool silent) = 0;
  // In live(): sends nothing until then, and after that everything at once.
  virtual void stall(int64_t until_us) = 0;
  // Says goodbye when live, gives up otherwise; over() follows within kFinishSeconds.
  virtual void finish(int64_t now_us) = 0;

  uint32_t number() const { return number_; }
  std::vector<SessionRecord> records(int64_t now_us) const;  // the present one included

 protected:
  enum class State { kIdle, kConnecting, kTalking, kLive, kFinishing, kDraining, kOver };

  // `shared` must outlive it. `due_us`, the owner's, is when serve() wants to be called next; kNever: only
  // the socket can go on, or it is over.
  Station(LoadShared& shared, int64_t& due_us, uint32_t number)
      : shared_(shared), due_us_(due_us), number_(number) {
    due_us_ = kNever;
  }

  // The session's connection goes, however it is.
  virtual void drop_connection() = 0;
  virtual uint64_t undelivered() const = 0;
  virtual SessionRecord sent() const = 0;  // frames only

  void begin_session(int64_t now_us);
  // `asked_us`: when it asked to publish; 0: there is no such step.
  void accepted(int64_t now_us, int64_t asked_us);
  bool was_accepted() const { return state_ != State::kConnecting && state_ != State::kTalking; }
  void fail(int64_t now_us, Ended how, const std::string& reason);  // and comes back later
  void end_session(int64_t now_us, Ended how);
  void note_lag(int64_t now_us, int64_t due_us);   // of what is still to be sent
  void note_asked(const std::string& url);         // to reconnect
  void note_sent(int64_t now_us, int64_t due_us);  // of a message
  void log_keyframe(int64_t media_ms) const;

  LoadShared& shared_;
  int64_t& due_us_;
  const uint32_t number_;

  State state_ = State::kIdle;
  bool ending_ = false;  // finish() was called
  int failures_ = 0;     // in a row, for the pause before the next attempt
  std::vector<SessionRecord> ended_;
  int64_t opened_us_ = 0;  // of the first connection of a challenge
  int64_t live_us_ = 0;    // when the first message was due
  int64_t stalled_until_us_ = 0;
  uint64_t bytes_ = 0;

 private:
  SessionRecord record(int64_t now_us) const;
};

}  // namespace headgate::load

// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is connected to a server, in all and by address (IPv6: /64), and what of it makes way when there is no
// more room: who is idle, by the rule of ingest::Places, so that nobody keeps others out by holding
// connections. One thread; nothing is done for a request but noting it.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include <base/clock.h>
#include <ingest/peer.h>

namespace headgate::origin {

inline constexpr unsigned kIdleSeconds = 30;  // nothing has moved: the connection is closed
// And besides, from its being accepted or its last answer: the headers of a request are there.
inline constexpr unsigned kHeadersSeconds = 10;
// When there is no more room, who is idle makes way: who asks for nothing for so long, or takes nothing of
// his answer.
inline constexpr int64_t kUndisturbedUs = 1'000'000;
inline constexpr int64_t kStalledUs = 5'000'000;

struct ConnectionLimits {
  int64_t all = 4000;  // beyond, one that is idle makes way; if there is none, the rest waits in the kernel
  // From one address: many phones stand behind one. Beyond, one of its own that is idle makes way, or the new
  // one is closed at once. 0: no limit. This machine's own (whose.h) has none.
  int64_t of_address = 1000;
};

// A connection's, given back with the last copy.
class Seat {
 public:
  // For a request's headers; for its answer, or for more of it; for the client to take what there is of it.
  enum class Phase { asking, waiting, sending };

  class All;  // Seats'
  Seat(std::shared_ptr<All> all, ingest::Peer peer, std::string whose);
  ~Seat();
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  // Empty: this machine's own (whose.h).
  const std::string& whose() const { return whose_; }
  // How its owner is told that it has to go. He gives it back later, not within the call.
  void when_to_end(std::function<void()> end) { end_ = std::move(end); }
  void set(Phase phase, int64_t mono_us);
  void took(int64_t mono_us);  // the client something of its answer

 private:
  friend class Seats;
  bool is_idle(int64_t mono_us) const;
  void note_idle();
  void forget_idle();
  void leave_address();
  void end();

  const std::shared_ptr<All> all_;
  const ingest::Peer peer_;
  const std::string whose_;
  std::list<Seat*>::iterator self_;
  std::function<void()> end_;
  Phase phase_ = Phase::asking;
  int64_t since_us_;      // in this phase
  int64_t took_us_;       // when the client took something, or the phase began
  uint64_t idle_id_ = 0;  // in All::places; 0: it is not among them
  bool of_address_ = false, ended_ = false;
};
using Place = std::shared_ptr<Seat>;

class Seats {
 public:
  struct Counts {
    uint64_t over_address = 0;  // closed at once, or for another of the address
    uint64_t made_way = 0;      // idle, and closed for somebody else
    uint64_t overdue = 0;       // no headers in time
  };
  // `freed`: called when there was no room and is again.
  Seats(const Clock& clock, const ConnectionLimits& limits, std::function<void()> freed);
  ~Seats();  // seats may outlive it
  Seats(const Seats&) = delete;
  Seats& operator=(const Seats&) = delete;

  // Null: his address has too many.
  Place take(const sockaddr_storage& remote);
  bool full() const;
  // One that is idle is told to end. False: none is, for now.
  bool make_way();
  // To be called several times a second: ends those that are overdue, and looks for idle ones.
  void sweep();
  int64_t open() const;
  const Counts& counts() const;

 private:
  const std::shared_ptr<Seat::All> all_;
};

}  // namespace headgate::origin

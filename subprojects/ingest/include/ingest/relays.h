// SPDX-License-Identifier: LGPL-2.1-or-later
// What stands between a TLS publisher and its worker for the rest of the session: TLS lives in this process,
// so its connection cannot be handed over. Bytes go from the TLS connection into one end of a socket pair and
// back, in a thread of their own, so that media does not hold up who wants to be admitted. One is enough: a
// core relays 3.5 Gbit/s even of records of 1,400 bytes.
//
// A side that does not read stops the other one. An end of the stream is passed on (to the publisher as
// close_notify), and what was sent before it arrives. Of each connection at most one send's worth is kept, in
// each direction, and only while a side does not read.
#pragma once

#include <cstddef>
#include <memory>

#include <base/unique_fd.h>

namespace headgate::ingest {

class Stream;

class Relays {
 public:
  // From the end of what the worker says to closing, for publishers that have not read it.
  static constexpr int64_t kLingerMs = 1000;

  Relays();
  ~Relays();  // ends all of them, without waiting for anybody
  Relays(const Relays&) = delete;
  Relays& operator=(const Relays&) = delete;

  // Any thread. `local` is a connected stream socket, non-blocking.
  void add(Stream publisher, UniqueFd local);
  size_t connections() const;  // any thread

 private:
  class Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace headgate::ingest

// SPDX-License-Identifier: LGPL-2.1-or-later
// What stands between a TLS publisher and its worker for the rest of the session: TLS lives in this process,
// so its connection cannot be handed over. Bytes go from the TLS connection into one end of a socket pair and
// back, in threads of their own, so that media does not hold up who wants to be admitted.
//
// A side that does not read stops the other one. An end of the stream is passed on (to the publisher as
// close_notify), and what was sent before it arrives. Of each connection at most one send's worth is kept, in
// each direction, and only while a side does not read.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <base/unique_fd.h>

namespace headgate::ingest {

class Stream;

class Relays {
 public:
  // From the end of what the worker says to closing, for publishers that have not read it.
  static constexpr int64_t kLingerMs = 1000;

  explicit Relays(unsigned threads = 1);
  ~Relays();  // ends all of them, without waiting for anybody
  Relays(const Relays&) = delete;
  Relays& operator=(const Relays&) = delete;

  // Any thread. `local` is a connected stream socket, non-blocking.
  void add(Stream publisher, UniqueFd local);
  size_t connections() const;  // any thread

 private:
  class Thread;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace headgate::ingest

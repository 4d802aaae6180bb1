// SPDX-License-Identifier: LGPL-2.1-or-later
// Publishers that the gate has handed over and that are not taken: each is told why, then disconnected. In
// the loop's thread; nobody is waited for.
#pragma once

#include <base/bytes.h>
#include <base/loop.h>
#include <base/unique_fd.h>

#include <map>
#include <string>

namespace headgate::worker {

inline constexpr int64_t kFarewellMs = 1000;   // for the publisher to read it and close
inline constexpr size_t kMaxFarewells = 1000;  // beyond, connections are closed without a word

class Farewells {
 public:
  explicit Farewells(Loop& loop) : loop_(loop) {}
  ~Farewells();
  Farewells(const Farewells&) = delete;
  Farewells& operator=(const Farewells&) = delete;

  // `state`: wire::Handoff's. onStatus NetStream.Publish.BadName with `code`, a ticket::Refusal, and `text`.
  void refuse(UniqueFd connection, Bytes state, int code, const std::string& text);

 private:
  struct One {
    UniqueFd connection;
    Loop::TimerId deadline = 0;
  };
  void drain(uint64_t id);
  void end(uint64_t id);

  Loop& loop_;
  std::map<uint64_t, One> all_;
  uint64_t last_id_ = 0;
};

}  // namespace headgate::worker

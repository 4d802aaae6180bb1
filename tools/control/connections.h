// SPDX-License-Identifier: LGPL-2.1-or-later
// Who has a connection to a server, and for how long a stranger may have one: until his headers are there he
// is one of many, and makes way for others, the oldest of an address that has most of them. Whoever has shown
// a token that is known stays. One thread.
#pragma once

#include <base/clock.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace headgate::control {

inline constexpr size_t kMaxConnections = 128;  // of one server
// Of one address (IPv6: /64), while they have shown no token that is known.
inline constexpr size_t kMaxStrangers = 32;
inline constexpr size_t kMaxOfToken = 64;          // with one token
inline constexpr int64_t kHeadersUs = 10'000'000;  // from accept to the end of the headers
inline constexpr int64_t kBodyUs = 10'000'000;     // from there to the end of the body

class Connections {
 public:
  using Id = uint64_t;
  explicit Connections(const Clock& clock) : clock_(clock) {}

  // Whether there is a place, as it may have to be made.
  bool has_place() const;
  // A new one of somebody at `address`, who is known by where he is or not yet; `close` ends it, and is
  // called once at most, from here on or from add() for another one. There is a place.
  Id add(const std::string& address, bool known, std::function<void()> close);
  // Its headers are there; `token`: whose it is, empty: of a stranger. False: it has too many.
  bool has_headers(Id id, const std::string& token);
  void has_body(Id id);  // its answer may take its time
  void remove(Id id);    // it has ended
  // Whose token is known no more is a stranger again, and has kBodyUs for what is being answered.
  void recheck(const std::function<bool(const std::string& token)>& known);
  void close_overdue();
  size_t size() const { return all_.size(); }

 private:
  struct Connection {
    std::string address, token;
    bool known;
    int64_t until_us;  // 0: for ever
    std::function<void()> close;
  };
  using All = std::map<Id, Connection>;  // oldest first
  All::iterator close(All::iterator one);
  void make_place(const std::string& address);

  const Clock& clock_;
  All all_;
  Id last_ = 0;
};

}  // namespace headgate::control

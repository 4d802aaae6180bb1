// SPDX-License-Identifier: LGPL-2.1-or-later
// One viewer of a load: a player and its keep-alive connection. Segments are taken from the kernel without
// being copied out of it.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include <base/loop.h>
#include <base/unique_fd.h>
#include <load/distribution.h>
#include <load/http_response.h>
#include <load/player.h>
#include <load/station.h>

namespace headgate::load {

inline constexpr int64_t kResponseSeconds = 10;  // from a request to the end of its response
inline constexpr double kLongStallSeconds = 2;   // longer ones are told one by one
inline constexpr size_t kMostLongStalls = 10'000;

// A picture that stood for more than kLongStallSeconds.
struct LongStall {
  std::string path;  // of the viewer's multivariant playlist
  int64_t until_us;
  double seconds;
};

// What all viewers of a load share. One thread.
struct ViewShared {
  Loop& loop;
  Address server;
  std::string authority;  // of the Host header
  uint64_t connections = 0;
  uint64_t stale = 0;  // requests sent again, because the server had closed the idle connection
  uint64_t bytes = 0;  // of bodies
  std::array<uint64_t, Player::kAsks> requests{};
  std::array<Distribution, Player::kAsks> response_ms{};  // to the last byte
  uint64_t segments = 0, skipped = 0, stalls = 0, startups = 0;
  double stall_s = 0, media_s = 0;
  std::vector<LongStall> long_stalls{};  // kMostLongStalls at most: the first
  Distribution startup_s{}, latency_s{}, edge_age_s{};
  std::map<std::string, uint64_t> errors{};  // by kind: "segment: status 404"
};

class Viewer {
 public:
  // `shared` must outlive it; `due_us`, the owner's, is when serve() wants to be called next. Does not move.
  Viewer(ViewShared& shared, int64_t& due_us, std::string path, Address local);
  ~Viewer();
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  void serve(int64_t now_us);
  void settle(int64_t now_us);  // counts what the picture did until now
  Player::Picture picture() const { return player_.picture(); }
  bool started() const { return started_; }
  uint64_t stalls() const { return stalls_; }
  double buffered_s() const { return player_.buffered_s(); }
  void end(int64_t now_us);  // tells the stall that is not over

 private:
  void open();
  void request();
  void on_io(uint32_t events);
  void send_request();
  void read_response();
  void on_done(int64_t now_us);
  void fail(const std::string& reason);
  void close();
  void count(const std::string& kind);
  void take_events();
  void tell_stall(double seconds, int64_t until_us);

  ViewShared& shared_;
  int64_t& due_us_;
  Player player_;
  const std::string path_;
  const Address local_;
  bool started_ = false;
  uint64_t stalls_ = 0;

  UniqueFd fd_;
  bool connected_ = false;
  bool fresh_ = false;  // no response came on this connection yet
  bool retried_ = false;
  std::optional<Player::Request> request_;
  std::string output_;  // what the socket has not taken of it
  std::optional<HttpResponse> response_;
  int64_t asked_us_ = 0;
};

}  // namespace headgate::load

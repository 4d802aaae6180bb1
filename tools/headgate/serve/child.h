// SPDX-License-Identifier: LGPL-2.1-or-later
// One place in a node that a process fills: gate, origin, control, or worker N. Adopts the process that
// already listens on the place's socket, or starts one; starts another when it dies, at once the first times,
// then with growing pauses; kills one that says nothing any more.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <base/loop.h>
#include <wire/channel.h>

#include "guard.h"
#include "spawn.h"

namespace headgate::serve {

inline constexpr int kQuickRestarts = 4;      // without a pause
inline constexpr int64_t kSteadyMs = 30'000;  // who lived so long begins to count anew
inline constexpr int64_t kMaxPauseMs = 30'000;
inline constexpr int kGiveUpDeaths = 20;  // in a row: of a worker, of which there are others
inline constexpr int64_t kGivenUpMs = 600'000;
// Of the one gate, origin or control of a node: while it stands nobody gets in, or sees anything.
inline constexpr int64_t kOnlySilentMs = 10'000;
inline constexpr int64_t kSilenceLookMs = 1000;
inline constexpr int64_t kWordlessMs =
    1000;  // for one whose connection ended before it greeted to end itself

class Child {
 public:
  struct Place {
    std::string role;    // "gate", "worker", "origin", "control", "pipeline-NAME"
    int number = -1;     // of a worker
    std::string socket;  // path
    std::function<Program()> program;
    int64_t silent_ms = kSilentMs;  // who says nothing for longer is killed
  };
  // In the loop's thread, never from within a call to this object but start().
  struct Events {
    std::function<void(Child&)> changed;  // began, became ready, was found to be incompatible, ended
    std::function<void(Child&)> died;     // without having been stopped
    std::function<void(Child&, const wire::Message&, std::vector<UniqueFd>)> message;
    // What follows an end that nobody asked for, of a place with rules of its own: so many ms until the next
    // start; below 0: none, and died() is not told. Nothing: as of any other. Code -1: it is not known.
    std::function<std::optional<int64_t>(const Child&, int code, int64_t lived_ms)> pause = {};
  };

  Child(Loop& loop, Place place, Events events);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Adopts the running process, if there is one.
  bool adopt_running();
  void start();            // adopts or spawns
  void socket_appeared();  // the place's socket was moved into place
  void stop();             // SIGTERM; not started again
  // SIGUSR1: another process has its work from now on; it ends by itself when what it has is over. Not
  // started again.
  void retire();
  // The socket's name is another one from now on. Fails without a change.
  Result<void> move_to(const std::string& socket);
  void ask_to_end();  // SIGTERM; what follows is as after an end that nobody asked for
  void kill();        // SIGKILL
  void hang_up();     // SIGHUP, at its first status when it is still starting
  bool send(const wire::Message& message, const std::vector<int>& fds = {});

  const Place& place() const { return place_; }
  bool running() const { return process_.pidfd.get() >= 0; }
  bool ready() const { return ready_; }
  bool stopping() const { return stopping_; }
  bool retiring() const { return retiring_; }
  // It speaks another protocol (wire/version.h): nothing is known of it but that it runs, and only signals
  // reach it. Nobody waits for its word.
  bool incompatible() const { return !protocol_.empty(); }
  const std::string& protocol() const { return protocol_; }  // that one: "2.0", "unknown"; empty: ours
  int pid() const { return process_.pid; }
  int64_t since_utc_us() const { return since_utc_us_; }
  int64_t restarts() const { return restarts_; }
  bool waiting() const { return restart_ != 0; }  // for its next start
  // In a row, each before it had lived for kSteadyMs; 0 again when it has.
  int deaths() const;
  int last_pid() const { return last_pid_; }        // of the one that ended last
  int end_signal() const { return end_signal_; }    // that ended it; 0: none, or nobody knows
  bool was_silent() const { return was_silent_; }   // it was killed because it said nothing any more
  bool adopted() const { return !process_.child; }  // of one that runs: an earlier supervisor has started it
  const std::string& end_text() const { return end_text_; }  // how the last one ended: "ended with 1"
  int64_t pause_ms() const { return pause_ms_; }             // from its death to the next start
  std::string name() const {
    return place_.number < 0 ? place_.role : place_.role + "-" + std::to_string(place_.number);
  }

 private:
  void take(Process process);
  void connect(std::unique_ptr<wire::Channel> channel);
  void on_closed();
  void on_other_protocol(const std::string& protocol);
  void on_message(const wire::Message& message, std::vector<UniqueFd> fds);
  void on_exit();
  void start_later(std::optional<int64_t> own_pause_ms = {});
  void expect_word(int64_t within_ms);

  Loop& loop_;
  Place place_;
  Events events_;
  Process process_;
  std::unique_ptr<wire::Channel> channel_;
  bool ready_ = false, stopping_ = false, retiring_ = false;
  bool hang_up_ = false;  // when it is ready
  std::string protocol_;
  int64_t since_utc_us_ = 0;
  int64_t restarts_ = 0;
  std::string end_text_;
  bool silent_ = false;  // was killed because it said nothing
  int64_t since_mono_ms_ = 0;
  int last_pid_ = 0;
  int end_signal_ = 0;
  bool was_silent_ = false;  // the one that ended last
  int deaths_ = 0;           // in a row, each after less than kSteadyMs
  int64_t pause_ms_ = 0;     // the last one
  Silence silence_;
  Loop::TimerId restart_ = 0, silence_timer_ = 0, wordless_ = 0;
  Loop::TimerId gone_ = 0;  // was stopped when it did not run: to be told
};

}  // namespace headgate::serve

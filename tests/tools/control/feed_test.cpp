// SPDX-License-Identifier: LGPL-2.1-or-later
// Sessions of a worker that speaks another protocol: nobody says that they are over while it lives.
#include <base/clock.h>
#include <control/feed.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wire/version.h>

#include <cstring>

#include "loop_test.h"

namespace headgate::control {
namespace {

// A process that listens as worker 3, greets in another protocol, and lives until it is let go.
class OtherWorker {
 public:
  explicit OtherWorker(const std::string& folder) {
    const std::string path = folder + "/worker-3.sock";
    const int listener = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    int leave[2];
    if (::pipe(leave) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(leave[1]);
      if (::listen(listener, 8) != 0) std::_Exit(1);  // the peer that the kernel names is who listens
      char byte;
      if (::write(ready_[1], "", 1) != 1) std::_Exit(1);
      const int peer = ::accept(listener, nullptr, nullptr);
      const auto hello = wire::greeting({wire::kVersion.major + 1, 0});
      if (::send(peer, hello.data(), hello.size(), 0) < 0) std::_Exit(1);
      std::_Exit(::read(leave[0], &byte, 1) == 0 ? 0 : 1);
    }
    ::close(listener);
    ::close(leave[0]);
    leave_ = leave[1];
    char byte;
    if (::read(ready_[0], &byte, 1) != 1) std::abort();
  }
  ~OtherWorker() { end(); }
  void end() {
    if (leave_ < 0) return;
    ::close(std::exchange(leave_, -1));
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  struct Pipe {
    int ends[2];
    Pipe() {
      if (::pipe(ends) != 0) std::abort();
    }
    int operator[](int end) const { return ends[end]; }
  };
  Pipe ready_;
  pid_t pid_ = 0;
  int leave_ = -1;
};

class FeedTest : public test::LoopTest {
 protected:
  void SetUp() override {
    EventLog log(system_clock(), folder_ + "/events");
    log.open();
    log.add("session.opened", kInfo, "one", R"({"session":"5","worker":3})");
    log.add("session.opened", kInfo, "two", R"({"session":"6","worker":4})");
    log.add("session.opened", kInfo, "three", R"({"session":"7","worker":null})");
  }

  // "5 session.unknown", in order, of what was added since.
  static std::vector<std::string> told(const EventLog& log) {
    std::vector<std::string> out;
    for (const auto& kept : log.after(3, 100)) {
      const auto facts = facts_of(kept.line);
      out.push_back(facts->session + " " + facts->kind);
    }
    return out;
  }
};

TEST_F(FeedTest, SessionsOfAWorkerOfAnotherProtocolAreOpenUntilItEnds) {
  OtherWorker worker(folder_);
  EventLog log(system_clock(), folder_ + "/events");
  log.open();
  Feed feed(loop_, system_clock(), folder_, log);
  ASSERT_TRUE(feed.start());
  ASSERT_TRUE(wait_for([&] { return log.last_id() >= 6; }));
  EXPECT_EQ(told(log),
            (std::vector<std::string>{"5 session.unknown", "6 session.closed", "7 session.closed"}));
  worker.end();
  ASSERT_TRUE(wait_for([&] { return log.last_id() >= 7; }));
  EXPECT_EQ(told(log).back(), "5 session.closed");
}

}  // namespace
}  // namespace headgate::control

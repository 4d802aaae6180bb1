// SPDX-License-Identifier: LGPL-2.1-or-later
// A place whose process is this test itself: it listens, and is taken over.
#include "serve/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>

#include "loop_test.h"

namespace headgate::serve {
namespace {

bool is_pending(int signal) {
  sigset_t pending;
  return ::sigpending(&pending) == 0 && sigismember(&pending, signal) == 1;
}

class ChildTest : public test::LoopTest {
 protected:
  void SetUp() override {
    auto acceptor = wire::Acceptor::listen(loop_, folder_ + "/worker-0.sock", [this](auto channel) {
      channel_ = std::move(channel);
      channel_->start([this](const wire::Message&, std::vector<UniqueFd>) { ++told_; }, [] {});
    });
    ASSERT_TRUE(acceptor) << acceptor.error().message;
    acceptor_ = *std::move(acceptor);
  }
  void tell_status() { channel_->send(wire::Status{"worker", static_cast<uint32_t>(::getpid()), "{}"}); }

  int hang_ups_ = 0, told_ = 0, changes_ = 0;
  SignalWatch signals_{loop_, {SIGHUP}, [this](int) { ++hang_ups_; }};
  std::unique_ptr<wire::Channel> channel_;
  std::unique_ptr<wire::Acceptor> acceptor_;
};

TEST_F(ChildTest, WhoIsStartingIsHungUpAtItsFirstStatus) {
  Child child(loop_, {"worker", 0, folder_ + "/worker-0.sock", [] { return Program(); }},
              {[this](Child&) { ++changes_; }, [](Child&) {},
               [](Child&, const wire::Message&, const std::vector<UniqueFd>&) {}});
  child.start();
  ASSERT_TRUE(child.running());
  ASSERT_EQ(child.pid(), ::getpid());
  child.hang_up();
  // SIGHUP would end it if it had not come to its SignalWatch yet.
  EXPECT_FALSE(is_pending(SIGHUP));
  ASSERT_TRUE(wait_for([&] { return told_ > 0; }));
  EXPECT_EQ(hang_ups_, 0);
  tell_status();
  ASSERT_TRUE(wait_for([&] { return hang_ups_ > 0; }));
  EXPECT_TRUE(child.ready());
  // Once, and from now on at once.
  const int before = changes_;
  tell_status();
  tell_status();
  child.hang_up();
  EXPECT_TRUE(is_pending(SIGHUP));
  ASSERT_TRUE(wait_for([&] { return hang_ups_ > 1; }));
  EXPECT_EQ(hang_ups_, 2);
  EXPECT_EQ(changes_, before);
}

TEST(Silence, IsWhatIsNotSaidWhileSomebodyListens) {
  Silence silence;
  int64_t now_ms = 1'000'000;
  auto silent_after = [&](int seconds) {  // 0: not within so many
    for (int second = 1; second <= seconds; ++second)
      if (silence.look(now_ms += 1000)) return second;
    return 0;
  };
  silence.expect(kSilentMs, now_ms);
  EXPECT_EQ(silent_after(60), 30);
  silence.expect(kSilentMs, now_ms);
  EXPECT_EQ(silent_after(20), 0);
  silence.expect(kSilentMs, now_ms);
  EXPECT_EQ(silent_after(29), 0);
  // The machine sleeps; its children's words come after the look.
  now_ms += 3'600'000;
  EXPECT_EQ(silent_after(30), 0);
  EXPECT_EQ(silent_after(5), 1) << "a whole time, and no more";
  // Late, as on a busy machine, is still there.
  silence.expect(kSilentMs, now_ms);
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(silence.look(now_ms += kLateTickMs));
  EXPECT_TRUE(silence.look(now_ms += kLateTickMs));
}

TEST_F(ChildTest, OneThatIsStoppedBetweenTwoStartsIsToldToHaveEnded) {
  Program program;
  program.path = "/bin/false";
  int changes = 0, died = 0;
  Child child(loop_, {"worker", 1, folder_ + "/worker-1.sock", [&] { return program; }},
              {[&](Child& one) { changes += one.stopping() && !one.running() ? 1 : 0; },
               [&](Child&) { ++died; }, [](Child&, const wire::Message&, const std::vector<UniqueFd>&) {}});
  child.start();
  ASSERT_TRUE(wait_for([&] { return died == kQuickRestarts + 1; }));
  ASSERT_TRUE(child.waiting());
  child.stop();
  child.stop();
  EXPECT_EQ(changes, 0) << "not from within a call to it";
  ASSERT_TRUE(wait_for([&] { return changes > 0; }));
  EXPECT_EQ(changes, 1);
  EXPECT_FALSE(child.waiting());
}

// A process of another version, which this test is, too: it listens, and greets as it is told to.
class OtherVersionTest : public ChildTest {
 protected:
  void SetUp() override {
    ChildTest::SetUp();
    const std::string path = folder_ + "/worker-3.sock";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    listening_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listening_.get(), 8), 0);
    child_ = std::make_unique<Child>(
        loop_, Child::Place{"worker", 3, path, [] { return Program(); }},
        Child::Events{[this](Child&) { ++changes_; }, [this](Child&) { ++died_; },
                      [this](Child&, const wire::Message&, const std::vector<UniqueFd>&) { ++told_; }});
    ASSERT_TRUE(child_->adopt_running());
    peer_.reset(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    ASSERT_TRUE(peer_);
    changes_ = 0;
  }
  // Connections that have come beside the first.
  int others() {
    int out = 0;
    while (UniqueFd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK))) ++out;
    return out;
  }
  void expect_left_alone(const std::string& protocol) {
    EXPECT_EQ(child_->protocol(), protocol);
    EXPECT_EQ(changes_, 1);
    EXPECT_EQ(told_, 0) << "what it said was read";
    EXPECT_TRUE(child_->running());
    EXPECT_FALSE(child_->ready() || child_->stopping());
    EXPECT_FALSE(child_->send(wire::Drain{}));
    // Nobody asks it again and again.
    ASSERT_EQ(::fcntl(listening_.get(), F_SETFL, O_NONBLOCK), 0);
    child_->socket_appeared();
    EXPECT_EQ(others(), 0);
    EXPECT_EQ(died_, 0);
  }

  UniqueFd listening_, peer_;
  int died_ = 0;
  std::unique_ptr<Child> child_;
};

TEST_F(OtherVersionTest, WhoSpeaksAnotherProtocolIsLeftAlone) {
  const wire::Version other{static_cast<uint16_t>(wire::kVersion.major + 1), 7};
  const auto greeting = wire::greeting(other);
  ByteVector status;
  wire::encode(wire::Status{"worker", 1, "{}"}, status);
  ASSERT_GT(::send(peer_.get(), greeting.data(), greeting.size(), 0), 0);
  ASSERT_GT(::send(peer_.get(), status.data(), status.size(), 0), 0);
  ASSERT_TRUE(wait_for([&] { return child_->incompatible(); }));
  expect_left_alone(wire::text_of(other));
}

TEST_F(OtherVersionTest, WhoRefusesAGreetingAndLivesIsOfAnotherVersion) {
  peer_.reset();
  ASSERT_TRUE(wait_for([&] { return child_->incompatible(); }));
  expect_left_alone("unknown");
}

TEST_F(OtherVersionTest, ALaterMinorIsHeard) {
  const auto greeting =
      wire::greeting({wire::kVersion.major, static_cast<uint16_t>(wire::kVersion.minor + 1)});
  ByteVector status;
  wire::encode(wire::Status{"worker", 1, "{}"}, status);
  ByteWriter(status).text("a later field");
  ASSERT_GT(::send(peer_.get(), greeting.data(), greeting.size(), 0), 0);
  ASSERT_GT(::send(peer_.get(), status.data(), status.size(), 0), 0);
  ASSERT_TRUE(wait_for([&] { return child_->ready(); }));
  EXPECT_EQ(told_, 1);
  EXPECT_FALSE(child_->incompatible());
}

TEST_F(ChildTest, SaysHowAndHowOftenItEnded) {
  Program program;
  program.path = "/bin/sleep";
  program.arguments = {"1000"};
  int died = 0;
  Child child(loop_, {"worker", 1, folder_ + "/worker-1.sock", [&] { return program; }},
              {[](Child&) {}, [&](Child&) { ++died; },
               [](Child&, const wire::Message&, const std::vector<UniqueFd>&) {}});
  child.start();
  ASSERT_TRUE(child.running());
  const int first = child.pid();
  program.path = "/bin/false";
  program.arguments = {};
  child.kill();
  ASSERT_TRUE(wait_for([&] { return died == 1; }));
  EXPECT_EQ(child.last_pid(), first);
  EXPECT_EQ(child.end_signal(), SIGKILL);
  EXPECT_FALSE(child.was_silent());
  // At once, four times; then there is a pause.
  ASSERT_TRUE(wait_for([&] { return died == kQuickRestarts + 1; }));
  EXPECT_EQ(child.end_signal(), 0);
  EXPECT_EQ(child.deaths(), kQuickRestarts + 1);
  EXPECT_TRUE(child.waiting());
  EXPECT_FALSE(child.running());
}

}  // namespace
}  // namespace headgate::serve

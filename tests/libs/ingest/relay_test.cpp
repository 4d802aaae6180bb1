// SPDX-License-Identifier: LGPL-2.1-or-later
// One relay in the test's thread: what one side said before it went, while the other takes its time.
#include "relay.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <array>

#include "ingest_support.h"

namespace headgate::ingest::test {
namespace {

// The kernel doubles them: more than the relay reads in one go. The last one it may cut (net.core.wmem_max).
constexpr int kPairBytes = 200 * 1024, kPublisherBytes = 208 * 1024, kWorkerBytes = 1024 * 1024;
constexpr int kReadAtOnce = 4 * 64 * 1024;

class RelayTest : public testing::Test {
 protected:
  void SetUp() override {
    uint16_t port = 0;
    UniqueFd listening = listen_on_loopback(port);
    publisher_ = connect_to(port);
    UniqueFd accepted(::accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    ::setsockopt(accepted.get(), SOL_SOCKET, SO_RCVBUF, &kPublisherBytes, sizeof kPublisherBytes);
    accepted_ = accepted.get();
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    UniqueFd local(ends[0]);
    worker_ = UniqueFd(ends[1]);
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &kPairBytes, sizeof kPairBytes);
    ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &kWorkerBytes, sizeof kWorkerBytes);
    relay_.emplace(loop_, Stream(std::move(accepted)), std::move(local), scratch_);
    relay_->start([this] { changed_ = true; });
  }
  // Sends until nothing has been taken for a while; how much it was.
  size_t fill(int socket) {
    const ByteVector piece(64 * 1024);
    size_t out = 0;
    for (int idle = 0; idle < 20; ++idle) {
      ssize_t sent;
      while ((sent = ::send(socket, piece.data(), piece.size(), MSG_NOSIGNAL)) > 0) {
        out += static_cast<size_t>(sent);
        idle = 0;
      }
      loop_.run_once(5);
    }
    return out;
  }
  // Reads all that is there, then has the relay go on, until the end; how much it was.
  size_t read_all(int socket) {
    std::array<std::byte, 65536> buffer;
    size_t out = 0;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (;;) {
      const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
      if (got > 0) {
        out += static_cast<size_t>(got);
        continue;
      }
      if (got == 0) return out;
      EXPECT_EQ(errno, EAGAIN);
      if (std::chrono::steady_clock::now() > deadline) break;
      loop_.run_once(20);
    }
    ADD_FAILURE() << "no end after " << out << " bytes";
    return out;
  }

  Loop loop_;
  ByteVector scratch_ = ByteVector(4 * Stream::kRecordSize);
  UniqueFd publisher_, worker_;
  int accepted_ = -1;  // the relay's
  std::optional<Relay> relay_;
  bool changed_ = false;
};

TEST_F(RelayTest, ASlowWorkerGetsWhatCameBeforeAReset) {
  const size_t sent = fill(publisher_.get());
  int unread = 0, on_the_way = 0;
  ASSERT_EQ(::ioctl(accepted_, FIONREAD, &unread), 0);
  ASSERT_EQ(::ioctl(publisher_.get(), SIOCOUTQ, &on_the_way), 0);
  ASSERT_GT(unread, kReadAtOnce);
  const linger abort{1, 0};
  ::setsockopt(publisher_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  publisher_.reset();
  for (int i = 0; i < 5; ++i) loop_.run_once(5);
  EXPECT_EQ(read_all(worker_.get()), sent - static_cast<size_t>(on_the_way));
}

TEST_F(RelayTest, ASlowPublisherGetsWhatAWorkerThatWentHadSaid) {
  const size_t sent = fill(worker_.get());
  worker_.reset();
  for (int i = 0; i < 5; ++i) loop_.run_once(5);
  EXPECT_EQ(read_all(publisher_.get()), sent);
  EXPECT_TRUE(changed_);
  EXPECT_TRUE(relay_->lingers() || relay_->ended());
}

}  // namespace
}  // namespace headgate::ingest::test

// SPDX-License-Identifier: LGPL-2.1-or-later
// Channels between two ends in one process, on one loop.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <wire/channel.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "loop_test.h"

namespace headgate::wire {
namespace {

class ChannelTest : public test::LoopTest {
 protected:
  void SetUp() override {
    // Longer than a sockaddr_un: such runtime directories exist.
    directory_ = folder_ + "/" + std::string(120, 'd');
    std::filesystem::create_directory(directory_);
  }
  std::string path(const std::string& name = "a.sock") const { return directory_ + "/" + name; }

  // Both ends, started by the caller.
  void connect() {
    auto acceptor = Acceptor::listen(loop_, path(),
                                     [this](std::unique_ptr<Channel> channel) { far_ = std::move(channel); });
    ASSERT_TRUE(acceptor) << acceptor.error().message;
    acceptor_ = *std::move(acceptor);
    auto channel = Channel::connect(loop_, path());
    ASSERT_TRUE(channel) << channel.error().message;
    near_ = *std::move(channel);
    ASSERT_TRUE(wait_for([&] { return far_ != nullptr; }));
  }

  std::string directory_;
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<Channel> near_, far_;
};

TEST_F(ChannelTest, MessagesArriveInOrderWithTheirDescriptors) {
  connect();
  std::vector<std::string> heard;
  std::vector<UniqueFd> received;
  far_->start(
      [&](Message message, std::vector<UniqueFd> fds) {
        heard.push_back(std::get<Hello>(message).role);
        for (auto& fd : fds) received.push_back(std::move(fd));
      },
      [] {});
  near_->start([](Message, std::vector<UniqueFd>) {}, [] {});
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  EXPECT_TRUE(near_->send(Hello{"one"}));
  EXPECT_TRUE(near_->send(Hello{"two"}, {pipe_ends[1]}));
  EXPECT_TRUE(near_->send(Hello{"three"}));
  ::close(pipe_ends[1]);
  ASSERT_TRUE(wait_for([&] { return heard.size() == 3; }));
  EXPECT_EQ(heard, (std::vector<std::string>{"one", "two", "three"}));
  ASSERT_EQ(received.size(), 1u);
  EXPECT_NE(::fcntl(received[0].get(), F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_EQ(::write(received[0].get(), "x", 1), 1);
  char letter = 0;
  ASSERT_EQ(::read(pipe_ends[0], &letter, 1), 1);
  EXPECT_EQ(letter, 'x');
  received.clear();
  EXPECT_EQ(::read(pipe_ends[0], &letter, 1), 0) << "a writing end has leaked";
  ::close(pipe_ends[0]);
}

TEST_F(ChannelTest, HeldMessagesGoTogetherInTheirOrder) {
  constexpr int kMany = 150;  // with descriptors in between, which do not go in a bundle
  connect();
  std::vector<std::string> heard;
  size_t descriptors = 0;
  far_->start(
      [&](Message message, std::vector<UniqueFd> fds) {
        heard.push_back(std::get<Hello>(message).role);
        descriptors += fds.size();
      },
      [] {});
  near_->start([](Message, std::vector<UniqueFd>) {}, [] {});
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::vector<std::string> sent;
  near_->hold();
  for (int i = 0; i < kMany; ++i) {
    sent.push_back(std::to_string(i));
    ASSERT_TRUE(near_->send(Hello{sent.back()}, i % 40 == 7 ? std::vector{null.get()} : std::vector<int>{}));
  }
  bool waited = false;
  loop_.after_ms(20, [&] { waited = true; });
  ASSERT_TRUE(wait_for([&] { return waited; }));
  EXPECT_TRUE(heard.empty()) << "they are held";
  near_->release();
  EXPECT_TRUE(wait_for([&] { return heard.size() == sent.size(); }));
  EXPECT_EQ(heard, sent);
  EXPECT_EQ(descriptors, 4u);
  EXPECT_TRUE(near_->drained());
}

TEST_F(ChannelTest, WhatWasHeldIsOnePacketAndTheLimitsOfOneAreKept) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  Channel channel(loop_, UniqueFd(ends[0]));
  const UniqueFd far(ends[1]);
  channel.start([](Message, std::vector<UniqueFd>) {}, [] {});
  ByteVector packet(2 * kMaxMessageBytes);
  const ssize_t first = ::recv(far.get(), packet.data(), packet.size(), 0);
  ASSERT_GT(first, 0);
  EXPECT_EQ(read_greeting(Bytes(packet).first(static_cast<size_t>(first))), kVersion);
  auto packets_of = [&](const std::vector<Message>& messages) {
    channel.hold();
    for (const Message& message : messages) EXPECT_TRUE(channel.send(message));
    channel.release();
    std::vector<size_t> sizes;
    std::vector<Message> heard;
    for (ssize_t size = 0; (size = ::recv(far.get(), packet.data(), packet.size(), 0)) > 0;) {
      auto decoded = decode_packet(Bytes(packet).first(static_cast<size_t>(size)));
      EXPECT_TRUE(decoded);
      if (!decoded) break;
      sizes.push_back(decoded->size());
      std::move(decoded->begin(), decoded->end(), std::back_inserter(heard));
    }
    EXPECT_EQ(heard, messages);
    return sizes;
  };
  EXPECT_EQ(packets_of({Hello{"one"}}), (std::vector<size_t>{1}));
  EXPECT_EQ(packets_of(std::vector<Message>(50, Hello{"many"})), (std::vector<size_t>{50}));
  EXPECT_EQ(packets_of(std::vector<Message>(kMaxBundled + 1, Stop{})), (std::vector<size_t>{kMaxBundled, 1}));
  const Message half = StreamRecords{1, 2, 3, ByteVector(kMaxMessageBytes / 2 - 100)};
  EXPECT_EQ(packets_of({half, half, half}), (std::vector<size_t>{2, 1}));
  const Message most = StreamRecords{1, 2, 3, ByteVector(kMaxRecordsBytes)};
  EXPECT_EQ(packets_of({most, most}), (std::vector<size_t>{1, 1}));
}

TEST_F(ChannelTest, APeerThatDoesNotReadIsClosedAndNeverBlocksTheSender) {
  connect();
  bool closed = false;
  near_->start([](Message, std::vector<UniqueFd>) {}, [&] { closed = true; });
  ByteVector records(100'000);
  size_t sent = 0;
  while (near_->send(StreamRecords{1, 2, 3, records}) && sent < 10'000) ++sent;
  EXPECT_GE(sent * records.size(), kMaxQueuedBytes);
  EXPECT_LE(sent * records.size(), kMaxQueuedBytes + 2'000'000);
  EXPECT_FALSE(closed) << "callbacks come from the loop, not from send()";
  EXPECT_TRUE(wait_for([&] { return closed; }));
  EXPECT_FALSE(near_->send(Hello{"again"}));
}

TEST_F(ChannelTest, QueuedMessagesAndDescriptorsFollowWhenThePeerReads) {
  connect();
  near_->start([](Message, std::vector<UniqueFd>) {}, [] {});
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  constexpr uint64_t kCount = 60;
  for (uint64_t i = 0; i < kCount; ++i)
    ASSERT_TRUE(near_->send(StreamRecords{i, 0, 0, ByteVector(100'000)}, {pipe_ends[1]}));
  EXPECT_FALSE(near_->drained());
  ::close(pipe_ends[1]);
  uint64_t next = 0;
  size_t fds_seen = 0;
  far_->start(
      [&](Message message, std::vector<UniqueFd> fds) {
        EXPECT_EQ(std::get<StreamRecords>(message).session, next++);
        fds_seen += fds.size();
      },
      [] {});
  ASSERT_TRUE(wait_for([&] { return next == kCount; }));
  EXPECT_EQ(fds_seen, kCount);
  EXPECT_TRUE(near_->drained());
  char letter;
  EXPECT_EQ(::read(pipe_ends[0], &letter, 1), 0) << "a writing end has leaked";
  ::close(pipe_ends[0]);
}

TEST_F(ChannelTest, WhatWasSentBeforeTheEndIsStillRead) {
  connect();
  near_->start([](Message, std::vector<UniqueFd>) {}, [] {});
  ASSERT_TRUE(near_->send(Hello{"last words"}));
  near_.reset();
  std::string heard;
  bool closed = false;
  far_->start([&](Message message, std::vector<UniqueFd>) { heard = std::get<Hello>(message).role; },
              [&] { closed = true; });
  ASSERT_TRUE(wait_for([&] { return closed; }));
  EXPECT_EQ(heard, "last words");
}

TEST_F(ChannelTest, APacketThatIsNoMessageEndsTheConnection) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd stranger(ends[1]);
  Channel channel(loop_, UniqueFd(ends[0]));
  bool closed = false;
  channel.start([](Message, std::vector<UniqueFd>) { FAIL() << "nothing was said"; }, [&] { closed = true; });
  const auto hello = greeting();
  ASSERT_GT(::send(stranger.get(), hello.data(), hello.size(), 0), 0);
  ASSERT_EQ(::send(stranger.get(), "\xffgarbage", 8, 0), 8);
  EXPECT_TRUE(wait_for([&] { return closed; }));
  EXPECT_FALSE(channel.incompatible());
}

// One end of a connection, whose other end a test plays.
class OtherVersion : public ChannelTest {
 protected:
  void SetUp() override {
    ChannelTest::SetUp();
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    peer_ = UniqueFd(ends[1]);
    channel_ = std::make_unique<Channel>(loop_, UniqueFd(ends[0]));
    channel_->start(
        [this](Message message, std::vector<UniqueFd> fds) {
          heard_.push_back(std::move(message));
          fds_ += fds.size();
        },
        [this] { closed_ = true; });
  }
  void say(Bytes packet, int fd = -1) {
    iovec part{const_cast<std::byte*>(packet.data()), packet.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (fd >= 0) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof fd);
      std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    ASSERT_EQ(::sendmsg(peer_.get(), &message, MSG_NOSIGNAL), static_cast<ssize_t>(packet.size()));
  }
  void say(const Message& message, std::string_view more = "") {
    ByteVector packet;
    encode(message, packet);
    ByteWriter(packet).text(more);
    say(packet);
  }

  UniqueFd peer_;
  std::unique_ptr<Channel> channel_;
  std::vector<Message> heard_;
  size_t fds_ = 0;
  bool closed_ = false;
};

TEST_F(OtherVersion, ALaterMinorIsUnderstoodAsFarAsWeKnow) {
  const Version later{kVersion.major, static_cast<uint16_t>(kVersion.minor + 1)};
  ByteVector first;
  ByteWriter(first).bytes(greeting(later));
  ByteWriter(first).text("and more");
  say(first);
  say(Kick{7, "operator"}, "a field that came later");
  // A message that came later, with a descriptor, alone and in a bundle.
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  ByteVector unknown{std::byte{200}, std::byte{1}};
  say(unknown, pipe_ends[1]);
  ::close(pipe_ends[1]);
  ByteVector bundle{std::byte{0}}, drain;
  encode(Drain{}, drain);
  for (const ByteVector& one : {unknown, drain}) {
    ByteWriter writer(bundle);
    writer.u32(static_cast<uint32_t>(one.size()));
    writer.bytes(one);
  }
  say(bundle);
  ASSERT_TRUE(wait_for([&] { return heard_.size() == 2 || closed_; }));
  EXPECT_EQ(heard_, (std::vector<Message>{Kick{7, "operator"}, Drain{}}));
  EXPECT_EQ(fds_, 0u);
  EXPECT_EQ(channel_->peer_version(), later);
  EXPECT_FALSE(closed_ || channel_->incompatible());
  char letter = 0;
  EXPECT_EQ(::read(pipe_ends[0], &letter, 1), 0) << "a descriptor nobody knows was kept";
  ::close(pipe_ends[0]);
}

TEST_F(OtherVersion, AnotherMajorIsNotListenedTo) {
  const Version other{static_cast<uint16_t>(kVersion.major + 1), 0};
  say(greeting(other));
  say(Stop{});
  ASSERT_TRUE(wait_for([&] { return closed_; }));
  EXPECT_TRUE(heard_.empty()) << "what it says may mean something else";
  EXPECT_TRUE(channel_->incompatible());
  EXPECT_EQ(channel_->peer_version(), other);
  EXPECT_FALSE(channel_->send(Hello{"gate"}));
}

TEST_F(OtherVersion, WhoDoesNotGreetIsNotListenedTo) {
  say(Stop{});
  ASSERT_TRUE(wait_for([&] { return closed_; }));
  EXPECT_TRUE(heard_.empty());
  EXPECT_TRUE(channel_->incompatible());
  EXPECT_EQ(channel_->peer_version(), std::nullopt);
}

// The end that finds out first closes without having read what the other one has sent: the kernel then tells
// the other one of an error before its greeting.
TEST_F(OtherVersion, BothEndsFindOut) {
  const Version other{static_cast<uint16_t>(kVersion.major + 1), 0};
  ASSERT_TRUE(channel_->send(Hello{"gate"}));
  say(greeting(other));
  peer_.reset();
  ASSERT_TRUE(wait_for([&] { return closed_; }));
  EXPECT_TRUE(channel_->incompatible());
  EXPECT_EQ(channel_->peer_version(), other);
}

TEST_F(OtherVersion, WhoIsNotThereYetIsNoOtherVersion) {
  peer_.reset();
  ASSERT_TRUE(wait_for([&] { return closed_; }));
  EXPECT_FALSE(channel_->incompatible());
}

TEST_F(ChannelTest, ACallbackMayDestroyItsChannel) {
  connect();
  int heard = 0;
  far_->start(
      [&](Message, std::vector<UniqueFd>) {
        ++heard;
        far_.reset();
      },
      [] { FAIL() << "destroyed channels are silent"; });
  bool closed = false;
  near_->start([](Message, std::vector<UniqueFd>) {},
               [&] {
                 closed = true;
                 near_.reset();
               });
  ASSERT_TRUE(near_->send(Hello{"one"}));
  ASSERT_TRUE(near_->send(Hello{"two"}));
  ASSERT_TRUE(wait_for([&] { return closed; }));
  EXPECT_EQ(heard, 1);
}

TEST_F(ChannelTest, TooLargeAMessageIsNotSentAndHarmsNothing) {
  connect();
  near_->start([](Message, std::vector<UniqueFd>) {}, [] { FAIL(); });
  EXPECT_FALSE(near_->send(StreamRecords{1, 1, 1, ByteVector(kMaxMessageBytes)}));
  EXPECT_FALSE(near_->send(Hello{"x"}, std::vector<int>(kMaxFds + 1, 0)));
  EXPECT_TRUE(near_->send(Hello{"x"}));
}

TEST_F(ChannelTest, TheFarEndsProcessIsKnown) {
  connect();
  EXPECT_EQ(near_->peer_pid(), getpid());
  EXPECT_EQ(far_->peer_pid(), getpid());
}

TEST_F(ChannelTest, AStaleSocketIsReplacedAndALivingOneIsNot) {
  {
    // A socket file whose process has died: bound, never unlinked.
    std::filesystem::path shorter = folder_ + "/stale";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    shorter.string().copy(address.sun_path, sizeof address.sun_path - 1);
    UniqueFd dead(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    std::filesystem::rename(shorter, path());
  }
  EXPECT_FALSE(Channel::connect(loop_, path()));
  auto first = Acceptor::listen(loop_, path(), [](std::unique_ptr<Channel>) {});
  ASSERT_TRUE(first) << first.error().message;
  struct stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  auto second = Acceptor::listen(loop_, path(), [](std::unique_ptr<Channel>) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EADDRINUSE);
  first->reset();
  EXPECT_FALSE(std::filesystem::exists(path()));
  size_t left = 0;
  for ([[maybe_unused]] auto& entry : std::filesystem::directory_iterator(directory_)) ++left;
  EXPECT_EQ(left, 0u);
}

}  // namespace
}  // namespace headgate::wire

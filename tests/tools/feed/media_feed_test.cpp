// SPDX-License-Identifier: LGPL-2.1-or-later
// Workers that are none: sockets of this test's own in a folder.
#include "feed/media_feed.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <wire/version.h>

#include "loop_test.h"

namespace headgate::tools {
namespace {

class MediaFeedTest : public test::LoopTest {
 protected:
  struct Worker {
    std::unique_ptr<wire::Acceptor> acceptor;
    std::unique_ptr<wire::Channel> channel;  // the last one
    std::vector<wire::Message> heard;
    int connections = 0;
  };

  std::unique_ptr<Worker> worker(const std::string& name) {
    auto out = std::make_unique<Worker>();
    auto acceptor = wire::Acceptor::listen(loop_, folder_ + "/" + name, [one = out.get()](auto channel) {
      ++one->connections;
      one->channel = std::move(channel);
      one->channel->start([one](wire::Message message,
                                const std::vector<UniqueFd>&) { one->heard.push_back(std::move(message)); },
                          [] {});
    });
    EXPECT_TRUE(acceptor) << acceptor.error().message;
    if (acceptor) out->acceptor = *std::move(acceptor);
    return out;
  }

  std::vector<std::string> opened_, told_, closed_;
  MediaFeed::Events events() {
    return {[this](const std::string& name) { opened_.push_back(name); },
            [this](const std::string& name, const wire::Message&) { told_.push_back(name); },
            [this](const std::string& name) { closed_.push_back(name); }};
  }
};

using Names = std::vector<std::string>;

TEST_F(MediaFeedTest, ThoseThatAreThereAndThoseThatComeAreHeardAndNoOther) {
  auto first = worker("worker-0.sock"), gate = worker("gate.sock");
  MediaFeed feed(loop_, folder_, "origin", events());
  ASSERT_TRUE(feed.start());
  ASSERT_TRUE(wait_for([&] { return !first->heard.empty(); }));
  EXPECT_EQ(first->heard[0], wire::Message(wire::Hello{"origin"}));
  auto second = worker("worker-1.sock");
  ASSERT_TRUE(wait_for([&] { return !second->heard.empty(); }));
  EXPECT_EQ(opened_, (Names{"worker-0.sock", "worker-1.sock"}));
  EXPECT_EQ(gate->connections, 0);
  second->channel->send(wire::GetListeners{});
  ASSERT_TRUE(wait_for([&] { return !told_.empty(); }));
  EXPECT_EQ(told_, Names{"worker-1.sock"});
  EXPECT_TRUE(feed.send("worker-0.sock", wire::GetListeners{}));
  EXPECT_FALSE(feed.send("worker-7.sock", wire::GetListeners{}));
  ASSERT_TRUE(wait_for([&] { return first->heard.size() > 1; }));
  EXPECT_EQ(first->heard[1], wire::Message(wire::GetListeners{}));
}

TEST_F(MediaFeedTest, WhoOnlyCutTheConnectionIsConnectedToAgain) {
  auto one = worker("worker-0.sock");
  MediaFeed feed(loop_, folder_, "control", events());
  ASSERT_TRUE(feed.start());
  ASSERT_TRUE(wait_for([&] { return one->connections == 1; }));
  one->channel.reset();
  ASSERT_TRUE(wait_for([&] { return one->connections == 2; }));
  EXPECT_EQ(closed_, Names{"worker-0.sock"});
  EXPECT_EQ(opened_, (Names{"worker-0.sock", "worker-0.sock"}));
}

TEST_F(MediaFeedTest, WhoSpeaksAnotherProtocolIsAskedOnce) {
  const UniqueFd stranger(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder_ + "/worker-0.sock";
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(::bind(stranger.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(stranger.get(), 8), 0);
  MediaFeed feed(loop_, folder_, "origin", events());
  ASSERT_TRUE(feed.start());
  const auto hello = wire::greeting({wire::kVersion.major + 1, 0});
  int connections = 0;
  bool over = false;
  const auto serve = [&] {
    const UniqueFd one(::accept4(stranger.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (one.get() < 0) return;
    ++connections;
    EXPECT_EQ(::send(one.get(), hello.data(), hello.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(hello.size()));
  };
  ASSERT_TRUE(wait_for([&] {
    serve();
    return !closed_.empty();
  }));
  loop_.after_ms(3 * kFeedAgainMs, [&] { over = true; });
  ASSERT_TRUE(wait_for([&] {
    serve();
    return over;
  }));
  EXPECT_EQ(connections, 1);
  EXPECT_EQ(closed_, Names{"worker-0.sock"});
}

TEST_F(MediaFeedTest, WhoHasDiedIsClosedOnceAndItsSuccessorIsHeard) {
  auto one = worker("worker-0.sock");
  MediaFeed feed(loop_, folder_, "control", events());
  ASSERT_TRUE(feed.start());
  ASSERT_TRUE(wait_for([&] { return one->connections == 1; }));
  one.reset();
  ASSERT_TRUE(wait_for([&] { return !closed_.empty(); }));
  EXPECT_FALSE(feed.send("worker-0.sock", wire::GetListeners{}));
  auto next = worker("worker-0.sock");
  ASSERT_TRUE(wait_for([&] { return !next->heard.empty(); }));
  EXPECT_EQ(closed_, Names{"worker-0.sock"});
}

}  // namespace
}  // namespace headgate::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
// Who gets an answer over TCP while others keep their connections for themselves.
#include <vector>

#include "http_fixture.h"

namespace headgate::control {
namespace {

constexpr int64_t kPauseUs = 200'000;  // between two bytes of who is slow
constexpr char kSlow[] = "GET /x HTTP/1.1\r\nHost: x\r\nX-More: ";

class HttpServerTest : public HttpFixture {
 protected:
  void TearDown() override {
    held_.clear();
    HttpFixture::TearDown();
  }
  void answer(const ExchangePtr& exchange) override {
    if (hold_)
      held_.push_back(exchange);
    else
      exchange->send(200, "{}");
  }

  // It goes on being slow until the server has enough.
  static bool is_ended(int fd) {
    int64_t next_us = 0;
    return until([&] {
      const int64_t now_us = system_clock().mono_us();
      if (now_us >= next_us) {
        next_us = now_us + kPauseUs;
        [[maybe_unused]] const ssize_t sent = ::send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
      }
      return has_ended(fd);
    });
  }

  bool hold_ = false;
  std::vector<ExchangePtr> held_;
};

TEST_F(HttpServerTest, SlowStrangersKeepNobodyOut) {
  std::vector<UniqueFd> slow;
  for (size_t i = 0; i < kMaxConnections + 20; ++i) slow.push_back(say(kSlow));
  EXPECT_EQ(ask("a"), 200) << "they have one address, that of who has a token as well";
  for (size_t i = 0; i < kMaxConnections + 20; ++i)
    slow.push_back(say(kSlow, "127.0.1." + std::to_string(i)));
  EXPECT_EQ(ask("b"), 200) << "each has an address of its own";
  EXPECT_EQ(ask("c"), 401);
}

TEST_F(HttpServerTest, WhoIsKnownIsAnsweredWhateverOthersDo) {
  hold_ = true;
  const UniqueFd first = say(request("a"));
  ASSERT_TRUE(until([&] { return held_.size() == 1; }));
  hold_ = false;
  std::vector<UniqueFd> slow;
  for (size_t i = 0; i < 2 * kMaxConnections; ++i)
    slow.push_back(say(kSlow, "127.0.1." + std::to_string(i % 250)));
  EXPECT_EQ(ask("b"), 200);
  clock_.advance_us(10 * (kHeadersUs + kBodyUs));
  EXPECT_TRUE(is_ended(slow.back().get()));
  held_.front()->send(200, "{}");
  EXPECT_EQ(status_of(answer_on(first.get())), 200) << "an answer may take its time";
}

TEST_F(HttpServerTest, HeadersAndBodyThatDoNotComeAreNotWaitedFor) {
  const UniqueFd silent = connect(), slow = say(kSlow),
                 no_body = say(request("a", "Content-Length: 10000\r\n"));
  EXPECT_EQ(ask("a"), 200) << "all are accepted";
  EXPECT_FALSE(has_ended(silent.get()) || has_ended(slow.get()) || has_ended(no_body.get()));
  clock_.advance_us(kHeadersUs + kBodyUs);
  for (const UniqueFd* one : {&silent, &slow, &no_body}) EXPECT_TRUE(is_ended(one->get()));
}

TEST_F(HttpServerTest, ATokenHasNotAllPlaces) {
  hold_ = true;
  std::vector<UniqueFd> many;
  for (size_t i = 0; i < kMaxOfToken; ++i) many.push_back(say(request("a")));
  ASSERT_TRUE(until([&] { return held_.size() == kMaxOfToken; }));
  EXPECT_EQ(ask("a"), 429);
  hold_ = false;
  EXPECT_EQ(ask("b"), 200);
  held_.pop_back();
  EXPECT_EQ(status_of(answer_on(many.back().get())), 500) << "it was not answered, and is over";
  EXPECT_EQ(ask("a"), 200);
}

}  // namespace
}  // namespace headgate::control

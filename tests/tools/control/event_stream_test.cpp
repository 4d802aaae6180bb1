// SPDX-License-Identifier: LGPL-2.1-or-later
// Events as they come over TCP: for whom there is a place, and for how long.
#include <control/event_stream.h>

#include <optional>
#include <vector>

#include "http_fixture.h"

namespace headgate::control {
namespace {

class EventStreamTest : public HttpFixture {
 protected:
  void SetUp() override {
    HttpFixture::SetUp();
    log_.emplace(clock_, folder_ + "/events");
    log_->open();
    events_.emplace(loop_, *log_);
  }
  void answer(const ExchangePtr& exchange) override { events_->answer(exchange); }
  UniqueFd listen(const std::string& token) {
    const size_t before = events_->listeners();
    UniqueFd fd = say(request(token));
    EXPECT_TRUE(until([&] { return events_->listeners() == before + 1; })) << token;
    return fd;
  }
  void revoke(const std::vector<std::string>& others) {
    tokens(others);
    events_->recheck([this](const std::string& token) { return door_.knows(token); });
    server_->recheck();
  }

  std::optional<EventLog> log_;
  std::optional<EventStream> events_;
};

TEST_F(EventStreamTest, ATokenHasAQuarterOfThePlaces) {
  std::vector<UniqueFd> all;
  for (size_t i = 0; i < kMaxListenersOfToken; ++i) all.push_back(listen("a"));
  EXPECT_EQ(ask("a"), 503);
  all.push_back(listen("b"));
  all.erase(all.begin());
  log_->add("x", kInfo, "who has gone is noticed", "");
  ASSERT_TRUE(until([&] { return events_->listeners() == kMaxListenersOfToken; }));
  all.push_back(listen("a"));
}

TEST_F(EventStreamTest, TokensLeavePlacesToTheUnixSocket) {
  tokens({"a", "b", "c", "d"});
  std::vector<UniqueFd> all;
  for (size_t i = 0; i < kMaxListenersOfTokens; ++i)
    all.push_back(listen(std::string(1, "abc"[i / kMaxListenersOfToken])));
  EXPECT_EQ(ask("d"), 503);
}

TEST_F(EventStreamTest, ARevokedTokenIsToldNothingMore) {
  const UniqueFd one = listen("a"), other = listen("b");
  log_->add("x", kInfo, "before", "");
  revoke({"b"});
  EXPECT_EQ(events_->listeners(), 1U);
  log_->add("x", kInfo, "after", "");
  const std::string told = answer_on(one.get());
  EXPECT_NE(told.find("before"), std::string::npos) << told;
  EXPECT_EQ(told.find("after"), std::string::npos) << told;
  std::string heard;
  bool ended = false;
  EXPECT_TRUE(until([&] {
    heard += come(other.get(), &ended);
    return heard.find("after") != std::string::npos;
  })) << heard;
  EXPECT_FALSE(ended);
}

// He is owed more than the kernel keeps for him.
TEST_F(EventStreamTest, ARevokedTokenThatDoesNotReadLosesItsConnection) {
  const std::string much(60 << 10, 'x');
  const UniqueFd one = listen("a");
  for (int i = 0; i < 200; ++i) {
    log_->add("x", kInfo, much, "");
    g_main_context_iteration(nullptr, FALSE);
  }
  revoke({"b"});
  EXPECT_EQ(server_->connections(), 1U);
  clock_.advance_us(kBodyUs);
  ASSERT_TRUE(until([&] { return server_->connections() == 0; }));
  const std::string told = answer_on(one.get());
  EXPECT_NE(told, "");
  EXPECT_FALSE(told.ends_with("0\r\n\r\n"));
}

}  // namespace
}  // namespace headgate::control

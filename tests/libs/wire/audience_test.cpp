// SPDX-License-Identifier: LGPL-2.1-or-later
// An audience and those who connect to it, on one loop.
#include <gtest/gtest.h>
#include <wire/audience.h>

#include "loop_test.h"

namespace headgate::wire {
namespace {

class AudienceTest : public test::LoopTest {
 protected:
  struct Visitor {
    std::unique_ptr<Channel> channel;
    std::vector<std::string> told;  // reasons of the WorkerStates that came
  };

  void SetUp() override { ASSERT_TRUE(audience_.listen(folder_ + "/a.sock")); }

  // One that says `role`, as the audience knows by then; none: it says nothing, but for a Stop that is heard.
  std::unique_ptr<Visitor> visitor(const char* role) {
    auto out = std::make_unique<Visitor>();
    auto channel = Channel::connect(loop_, folder_ + "/a.sock");
    if (!channel) return nullptr;
    out->channel = *std::move(channel);
    out->channel->start(
        [told = &out->told](const Message& message, const std::vector<UniqueFd>&) {
          if (const auto* state = std::get_if<WorkerState>(&message)) told->push_back(state->reason);
        },
        [] {});
    const size_t before = heard_.size();
    if (role)
      out->channel->send(Hello{role});
    else
      out->channel->send(Stop{});
    EXPECT_TRUE(wait_for([&] { return heard_.size() > before; }));
    return out;
  }

  static WorkerState saying(const std::string& text) { return {0, 0, 0, 0, false, text}; }

  std::vector<std::string> heard_;  // of each message the role of who has sent it
  Audience audience_{loop_, [this](Audience::Member& from, const Message&, const std::vector<UniqueFd>&) {
                       heard_.push_back(from.greeted ? from.role : "nobody");
                     }};
};

TEST_F(AudienceTest, IsToldByRole) {
  const auto silent = visitor(nullptr), origin = visitor("origin"), gate = visitor("gate");
  ASSERT_TRUE(origin && gate && silent);
  EXPECT_EQ(heard_, (std::vector<std::string>{"nobody", "origin", "gate"}));
  audience_.tell(saying("one"), {"origin", "control"});
  audience_.tell(saying("two"), {"origin", "gate"});
  audience_.tell_all(saying("all"));
  ASSERT_TRUE(wait_for([&] { return origin->told.size() == 3 && gate->told.size() == 2; }));
  EXPECT_EQ(origin->told, (std::vector<std::string>{"one", "two", "all"}));
  EXPECT_EQ(gate->told, (std::vector<std::string>{"two", "all"}));
  EXPECT_TRUE(silent->told.empty());
}

TEST_F(AudienceTest, WhoHasGoneIsForgotten) {
  auto origin = visitor("origin"), other = visitor("origin");
  ASSERT_TRUE(origin && other);
  EXPECT_TRUE(audience_.has("origin"));
  EXPECT_FALSE(audience_.has("gate"));
  origin.reset();
  audience_.tell(saying("still"), {"origin"});
  ASSERT_TRUE(wait_for([&] { return other->told.size() == 1; }));
  other.reset();
  EXPECT_TRUE(wait_for([&] { return !audience_.has("origin"); }));
}

TEST_F(AudienceTest, WhatIsHeldGoesOutTogether) {
  const auto origin = visitor("origin");
  ASSERT_TRUE(origin);
  audience_.hold();
  for (const char* one : {"a", "b", "c"}) audience_.tell(saying(one), {"origin"});
  for (size_t heard : {2, 3}) {  // they would have come before
    origin->channel->send(Stop{});
    ASSERT_TRUE(wait_for([&] { return heard_.size() == heard; }));
  }
  EXPECT_TRUE(origin->told.empty());
  audience_.release();
  ASSERT_TRUE(wait_for([&] { return origin->told.size() == 3; }));
  EXPECT_EQ(origin->told, (std::vector<std::string>{"a", "b", "c"}));
}

}  // namespace
}  // namespace headgate::wire

// SPDX-License-Identifier: LGPL-2.1-or-later
// Streams of a node that share its processors.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include <ladder/relief.h>
#include <ladder/turn.h>

namespace headgate::ladder {
namespace {

constexpr int64_t kMs = 1'000'000, kSecond = 1'000 * kMs;

TEST(Turn, OneGoesAtATime) {
  TurnState state;
  Turn one(state), other(state);
  EXPECT_TRUE(one.pause(100 * kSecond));
  EXPECT_FALSE(other.pause(100 * kSecond + 499 * kMs));
  EXPECT_TRUE(other.pause(100 * kSecond + 500 * kMs));
}

TEST(Turn, OneComesBackAtATimeWhenNoneHadToGoForLong) {
  TurnState state;
  Turn one(state), other(state);
  ASSERT_TRUE(one.pause(100 * kSecond));
  ASSERT_TRUE(other.pause(101 * kSecond));
  EXPECT_FALSE(one.resume(115 * kSecond, false));  // 15 s after the other
  EXPECT_TRUE(one.resume(116 * kSecond, false));
  EXPECT_FALSE(other.resume(120 * kSecond, false));
  EXPECT_TRUE(other.resume(121 * kSecond, false));
}

TEST(Turn, WhatCameBackInVainIsWaitedForLonger) {
  TurnState state;
  Turn one(state), other(state);
  ASSERT_TRUE(one.pause(100 * kSecond));
  ASSERT_TRUE(one.resume(115 * kSecond, false));
  ASSERT_TRUE(other.pause(118 * kSecond));
  ASSERT_TRUE(other.pause(119 * kSecond));  // that is the same mistake
  EXPECT_FALSE(one.resume(148 * kSecond, false));
  EXPECT_TRUE(one.resume(149 * kSecond, false));
  // What went well for long is forgotten.
  ASSERT_TRUE(one.pause(300 * kSecond));
  EXPECT_TRUE(one.resume(315 * kSecond, false));
}

TEST(Turn, WhereProcessorsAreWaitedForNoneComesBackSoon) {
  TurnState state;
  Turn turn(state);
  ASSERT_TRUE(turn.pause(100 * kSecond));
  EXPECT_FALSE(turn.resume(115 * kSecond, true));
  EXPECT_FALSE(turn.resume(159 * kSecond, true));
  EXPECT_TRUE(turn.resume(160 * kSecond, true));
  EXPECT_FALSE(turn.resume(179 * kSecond, true));
  EXPECT_TRUE(turn.resume(180 * kSecond, true));
}

TEST(Turn, TimesOfAnEarlierStartOfTheMachineAreNone) {
  TurnState state;
  Turn turn(state);
  ASSERT_TRUE(turn.pause(1'000'000 * kSecond));
  ASSERT_TRUE(turn.resume(1'000'015 * kSecond, false));
  EXPECT_TRUE(turn.pause(10 * kSecond));
  EXPECT_TRUE(turn.resume(25 * kSecond, false));
}

// Ten streams with two rungs each on a machine that has room for fifteen of the twenty; each frame all fall
// behind by what is too much, or catch up.
class Node {
 public:
  static constexpr int kStreams = 10, kRoom = 15;
  explicit Node(bool takes_turns) {
    for (int i = 0; i < kStreams; ++i) {
      ReliefSettings settings;
      if (takes_turns)
        settings.turn = [this, turn = Turn(state_)](Relief::Action action) mutable {
          return action == Relief::Action::resume ? turn.resume(now_ns_, false) : turn.pause(now_ns_);
        };
      streams_.push_back({Relief(settings)});
      streams_.back().relief.spread(static_cast<uint64_t>(i) * 7919);
    }
  }
  void run(int seconds) {
    for (int frame = 0; frame < seconds * 25; ++frame) {
      now_ns_ += kSecond / 25;
      const int encoded = running();
      for (Stream& stream : streams_) {
        stream.waiting_ns += encoded > kRoom ? 40 * kMs * (encoded - kRoom) / encoded : -40 * kMs;
        stream.waiting_ns = std::clamp<int64_t>(stream.waiting_ns, 0, 6 * kSecond);
        const auto action =
            stream.relief.update(now_ns_, stream.waiting_ns, stream.running, 2 - stream.running);
        if (action == Relief::Action::pause) --stream.running;
        if (action == Relief::Action::resume) ++stream.running;
      }
      least = std::min(least, running());
      most_at_once = std::max(most_at_once, std::abs(running() - encoded));
      swings += (running() > kRoom) != (encoded > kRoom);
    }
  }
  int running() const {
    int sum = 0;
    for (const Stream& stream : streams_) sum += static_cast<int>(stream.running);
    return sum;
  }
  int least = 2 * kStreams, most_at_once = 0, swings = 0;

 private:
  struct Stream {
    Relief relief;
    int64_t waiting_ns = 0;
    size_t running = 2;
  };
  int64_t now_ns_ = 1000 * kSecond;
  TurnState state_;
  std::vector<Stream> streams_;
};

TEST(Turn, StreamsThatTakeTurnsGiveUpWhatIsTooMuchAndNoMore) {
  Node node(true);
  node.run(120);
  EXPECT_EQ(node.most_at_once, 1);
  EXPECT_GE(node.least, Node::kRoom - 4);  // what waits is still encoded when there is room already
  EXPECT_GE(node.running(), Node::kRoom - 1);
  const int swings = node.swings;
  node.run(600);
  EXPECT_LE(node.swings - swings, 8);
}

TEST(Turn, StreamsThatDoNotGoAllAtOnce) {
  Node node(false);
  node.run(120);
  EXPECT_GT(node.most_at_once, 1);
  EXPECT_EQ(node.least, Node::kStreams);
}

}  // namespace
}  // namespace headgate::ladder

// SPDX-License-Identifier: LGPL-2.1-or-later
// Who has to go when there is no more room, with a clock of the test's.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <base/clock.h>
#include <netinet/in.h>

#include <cstring>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "seats.h"
#include "whose.h"

namespace headgate::origin {
namespace {

using Phase = Seat::Phase;

sockaddr_storage at(const char* address) {
  sockaddr_storage out{};
  sockaddr_in in{};
  sockaddr_in6 in6{};
  if (::inet_pton(AF_INET, address, &in.sin_addr) == 1) {
    in.sin_family = AF_INET;
    std::memcpy(&out, &in, sizeof in);
  } else if (::inet_pton(AF_INET6, address, &in6.sin6_addr) == 1) {
    in6.sin6_family = AF_INET6;
    std::memcpy(&out, &in6, sizeof in6);
  }
  return out;
}

class SeatsTest : public testing::Test {
 protected:
  static constexpr int64_t kSecond = 1'000'000;

  void start(int64_t all, int64_t of_address = 0) {
    seats_.emplace(clock_, ConnectionLimits{all, of_address}, [this] { ++freed_; });
  }
  // 0: closed at once.
  int come(const char* address) {
    Place seat = seats_->take(at(address));
    if (!seat) return 0;
    const int number = ++last_;
    seat->when_to_end([this, number] { told_.push_back(number); });
    open_.emplace(number, std::move(seat));
    return number;
  }
  void advance(int64_t us) { clock_.advance_us(us); }
  void set(int number, Phase phase) { open_.at(number)->set(phase, clock_.mono_us()); }
  // Who was told to end does so.
  std::vector<int> gone() {
    for (const int number : told_) open_.erase(number);
    return std::exchange(told_, {});
  }
  std::vector<int> make_way() {
    seats_->make_way();
    return gone();
  }
  std::vector<int> sweep() {
    seats_->sweep();
    return gone();
  }

  ManualClock clock_;
  std::optional<Seats> seats_;
  std::map<int, Place> open_;
  std::vector<int> told_;
  int last_ = 0, freed_ = 0;
};

using Numbers = std::vector<int>;

TEST_F(SeatsTest, WhoNeverAskedMakesWayAfterASecond) {
  start(3);
  come("192.0.2.1");
  come("198.51.100.1");
  EXPECT_FALSE(seats_->full());
  come("203.0.113.1");
  EXPECT_TRUE(seats_->full());
  EXPECT_EQ(make_way(), Numbers{}) << "all have just come";
  advance(kUndisturbedUs);
  EXPECT_EQ(make_way(), Numbers{1});
  EXPECT_EQ(freed_, 1);
  EXPECT_FALSE(seats_->full());
  EXPECT_EQ(seats_->open(), 2);
  EXPECT_EQ(seats_->counts().made_way, 1u);
}

TEST_F(SeatsTest, WhoIsServedStays) {
  start(2);
  const int waits = come("192.0.2.1"), takes = come("192.0.2.1"), asked = come("192.0.2.1");
  set(waits, Phase::waiting);
  set(takes, Phase::sending);
  set(asked, Phase::sending);
  for (int i = 0; i < 4; ++i) {
    advance(kStalledUs - 1);
    EXPECT_EQ(sweep(), Numbers{});
    EXPECT_EQ(make_way(), Numbers{});
    open_.at(takes)->took(clock_.mono_us());
    open_.at(asked)->took(clock_.mono_us());
  }
  set(asked, Phase::asking);
  advance(kUndisturbedUs);
  EXPECT_EQ(sweep(), Numbers{});
  EXPECT_EQ(make_way(), Numbers{asked}) << "kept alive, and idle";
  EXPECT_EQ(make_way(), Numbers{});
  advance(kStalledUs);
  sweep();
  EXPECT_EQ(make_way(), Numbers{takes}) << "takes nothing any more";
}

TEST_F(SeatsTest, WhoAsksAgainIsIdleNoMore) {
  start(2);
  const int one = come("192.0.2.1"), other = come("198.51.100.1");
  come("203.0.113.1");
  advance(kUndisturbedUs);
  sweep();
  set(one, Phase::waiting);
  set(one, Phase::asking);
  EXPECT_EQ(make_way(), Numbers{other});
}

TEST_F(SeatsTest, IdleOnesOfTheLargestNetworkMakeWayFirst) {
  start(5);
  const int honest = come("192.0.2.1");
  advance(kUndisturbedUs);
  const int first = come("198.51.100.1");
  come("198.51.100.1");
  come("198.51.100.1");
  advance(kUndisturbedUs);
  EXPECT_EQ(make_way(), Numbers{first}) << "though another is idle for longer";
  come("203.0.113.1");
  come("203.0.113.1");
  come("203.0.113.1");
  EXPECT_EQ(make_way(), Numbers{}) << "his own network has most, and has just come";
  const int small = come("233.252.0.1");
  EXPECT_EQ(make_way().size(), 1u) << "a smaller one need not wait";
  EXPECT_TRUE(open_.contains(honest));
  EXPECT_TRUE(open_.contains(small));
}

TEST_F(SeatsTest, NobodyIsLookedForWhileThereIsRoom) {
  start(8);
  const int one = come("192.0.2.1");
  set(one, Phase::waiting);
  set(one, Phase::asking);
  advance(kUndisturbedUs);
  sweep();
  EXPECT_EQ(make_way(), Numbers{});
  for (int i = 0; i < 5; ++i) set(come("198.51.100.1"), Phase::waiting);
  sweep();
  EXPECT_EQ(make_way(), Numbers{one}) << "three quarters are taken";
}

TEST_F(SeatsTest, AnAddressThatHasItsNumberMakesWayForItself) {
  start(100, 2);
  const int idle = come("192.0.2.1"), busy = come("192.0.2.1");
  set(busy, Phase::waiting);
  EXPECT_EQ(come("192.0.2.1"), 0) << "one has just come, the other is served";
  EXPECT_NE(come("192.0.2.2"), 0);
  advance(kUndisturbedUs);
  EXPECT_NE(come("192.0.2.1"), 0);
  EXPECT_EQ(gone(), Numbers{idle});
  EXPECT_EQ(come("192.0.2.1"), 0);
  EXPECT_EQ(seats_->counts().over_address, 3u);
  EXPECT_EQ(seats_->counts().made_way, 0u);
  set(busy, Phase::asking);
  advance(kUndisturbedUs);
  sweep();
  EXPECT_NE(come("192.0.2.1"), 0);
  for (int i = 0; i < 5; ++i) EXPECT_NE(come("127.0.0.1"), 0) << "a proxy on this machine";
}

TEST_F(SeatsTest, AnAddressIsASubscriber) {
  start(100, 1);
  EXPECT_NE(come("2001:db8:1:2::1"), 0);
  EXPECT_EQ(come("2001:db8:1:2:ffff::7"), 0);
  EXPECT_NE(come("2001:db8:1:3::1"), 0);
  EXPECT_NE(come("::ffff:192.0.2.1"), 0);
  EXPECT_EQ(come("192.0.2.1"), 0);
  EXPECT_EQ(stranger("2001:db8:1:2::1"), stranger(at("2001:db8:1:2::5")));
  EXPECT_EQ(stranger("192.0.2.1"), stranger(at("192.0.2.1")));
  EXPECT_EQ(stranger("unknown"), "unknown");
  EXPECT_EQ(stranger(at("::1")), "");
  EXPECT_EQ(stranger(at("::ffff:127.0.0.1")), "");
}

TEST_F(SeatsTest, HeadersHaveTheirTime) {
  constexpr int64_t kOverdueUs = (kIdleSeconds + kHeadersSeconds) * kSecond;
  start(100);
  const int never = come("192.0.2.1"), long_answer = come("192.0.2.1");
  set(long_answer, Phase::waiting);
  advance(kOverdueUs - 1);
  EXPECT_EQ(sweep(), Numbers{});
  advance(1);
  EXPECT_EQ(sweep(), Numbers{never}) << "however slowly they drip";
  set(long_answer, Phase::asking);
  advance(kOverdueUs);
  seats_->sweep();
  seats_->sweep();
  EXPECT_EQ(told_, Numbers{long_answer}) << "it is told once";
  EXPECT_EQ(seats_->counts().overdue, 2u);
}

TEST_F(SeatsTest, ASeatMayOutliveThem) {
  start(1);
  come("192.0.2.1");
  seats_.reset();
  open_.clear();
  EXPECT_EQ(freed_, 0);
}

}  // namespace
}  // namespace headgate::origin

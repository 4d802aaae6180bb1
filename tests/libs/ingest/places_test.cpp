// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <ingest/places.h>

#include <deque>
#include <map>
#include <random>
#include <set>

namespace headgate::ingest::test {
namespace {

constexpr int64_t kUndisturbedUs = 1'000'000;
constexpr size_t kOfNetwork = 4;
constexpr int64_t kNow = 5'000'000'000, kLater = kNow + kUndisturbedUs;

Peer at(const std::string& network, const std::string& host = "1") {
  return {network + host + ":40000", network + host, network + host, network};
}

class PlacesTest : public testing::Test {
 protected:
  void add(uint64_t id, const std::string& network, const std::string& host = "1", int64_t at_us = kNow) {
    places_.add(id, at(network, host), at_us);
  }
  Places places_{kOfNetwork, kUndisturbedUs};
};

TEST_F(PlacesTest, TheOldestOfTheNetworkThatHasMostLeaves) {
  add(1, "a");
  for (uint64_t id : {2, 3, 4}) add(id, "b");
  for (uint64_t id : {5, 6}) add(id, "c");
  EXPECT_EQ(places_.leaves(kLater), 2u);
  places_.remove(2);
  EXPECT_EQ(places_.leaves(kLater), 3u) << "of two with as many the one that was here first";
  places_.remove(3);
  EXPECT_EQ(places_.leaves(kLater), 5u);
  for (uint64_t id : {4, 5, 6}) places_.remove(id);
  EXPECT_EQ(places_.leaves(kLater), 1u);
  places_.remove(1);
  EXPECT_EQ(places_.leaves(kLater), std::nullopt);
}

TEST_F(PlacesTest, AndThereOfTheSourceThatHasMost) {
  add(1, "a", "honest");
  for (uint64_t id : {2, 3}) add(id, "a", "other");
  EXPECT_EQ(places_.leaves(kLater), 2u);
  EXPECT_EQ(places_.leaves_for(at("a", "other"), kLater), 2u);
  EXPECT_EQ(places_.leaves_for(at("b"), kLater), std::nullopt);
  EXPECT_EQ(places_.leaves_of_source(at("a", "honest"), kLater), 1u);
  EXPECT_EQ(places_.leaves_of_source(at("a", "other"), kLater - 1), std::nullopt);
  EXPECT_EQ(places_.leaves_of_source(at("b"), kLater), std::nullopt);
}

TEST_F(PlacesTest, WhoHasJustComeIsLeftInPeace) {
  add(1, "b", "1", kNow - 1);
  for (uint64_t id : {2, 3, 4}) add(id, "a");
  EXPECT_EQ(places_.leaves(kLater - 1), std::nullopt) << "nor is he who is alone, for the others' sake";
  EXPECT_EQ(places_.leaves_for(at("a"), kLater - 1), std::nullopt) << "his own source has most";
  add(5, "a", "1", kLater - 1);
  EXPECT_EQ(places_.leaves_for(5, kLater - 1), std::nullopt) << "his own network has most";
  EXPECT_EQ(places_.leaves_for(5, kLater), 2u);
  add(6, "c", "1", kLater - 1);
  EXPECT_EQ(places_.leaves_for(6, kLater - 1), 2u);
  EXPECT_EQ(places_.leaves_for(at("a", "2"), kLater - 1), 2u);
  for (uint64_t id : {3, 4, 5}) places_.remove(id);
  EXPECT_EQ(places_.leaves_for(at("a", "2"), kLater - 1), std::nullopt) << "he would have as many";
  EXPECT_EQ(places_.leaves_for(at("a", "2"), kLater), 2u);
}

TEST_F(PlacesTest, WhoHasProvedAPasswordLeavesLast) {
  for (uint64_t id : {1, 2, 3}) add(id, "a");
  add(4, "b");
  places_.proved(1);
  places_.proved(2);
  EXPECT_EQ(places_.leaves_for(at("a"), kLater), 3u);
  EXPECT_EQ(places_.leaves(kLater), 3u);
  places_.remove(3);
  EXPECT_EQ(places_.leaves(kLater), 4u);
  places_.remove(4);
  EXPECT_EQ(places_.leaves(kLater), 1u);
  EXPECT_EQ(places_.leaves_for(at("a"), kLater), 1u);
}

TEST_F(PlacesTest, StrangersWhoAreLeftInPeaceDoNotCostHimHisPlace) {
  add(1, "b");
  places_.proved(1);
  for (uint64_t id : {2, 3}) add(id, "a", "1", kLater);
  EXPECT_EQ(places_.leaves(kLater), std::nullopt);
  EXPECT_EQ(places_.leaves_for(3, kLater), std::nullopt);
  add(4, "b", "2", kLater);
  EXPECT_EQ(places_.leaves_for(at("b", "2"), kLater), std::nullopt);
}

TEST_F(PlacesTest, ButPasswordsDoNotKeepAllPlaces) {
  for (uint64_t id : {1, 2, 3}) add(id, "a"), places_.proved(id);
  for (uint64_t id : {4, 5}) add(id, "b", "1", kLater);
  EXPECT_EQ(places_.leaves_for(5, kLater - 1), std::nullopt);
  EXPECT_EQ(places_.leaves_for(5, kLater), 1u) << "his network has two, this one three";
  add(6, "b", "1", kLater);
  EXPECT_EQ(places_.leaves_for(6, kLater), std::nullopt);
  add(7, "a", "2", kLater);
  EXPECT_EQ(places_.leaves_for(at("a", "2"), kLater), 1u) << "likewise of sources in a network";
  EXPECT_EQ(places_.leaves_for(at("a", "1"), kLater), std::nullopt);
  for (uint64_t id : {4, 5, 6}) places_.remove(id);
  EXPECT_EQ(places_.leaves_for(7, kLater), 1u) << "nobody else is there";
}

TEST_F(PlacesTest, ANetworkIsFullWithBothKinds) {
  for (uint64_t id : {1, 2, 3}) add(id, "a");
  places_.proved(2);
  EXPECT_FALSE(places_.full("a"));
  add(4, "a");
  EXPECT_TRUE(places_.full("a"));
  EXPECT_FALSE(places_.full("b"));
  places_.remove(2);
  EXPECT_FALSE(places_.full("a"));
  places_.remove(2);  // and nothing more
  places_.proved(2);
  EXPECT_FALSE(places_.full("a"));
}

// Idlers who come anew before they have been here for undisturbed_us, and at once when they are closed,
// beside honest ones who need three seconds; with time that is the test's.
class Flood : public testing::Test {
 protected:
  static constexpr size_t kAll = 40, kMostOfNetwork = 10;
  static constexpr int64_t kStepUs = 100'000, kRenewUs = 900'000, kSlowUs = 3'000'000,
                           kPatienceUs = 3'000'000;

  struct One {
    Peer peer;
    uint64_t id = 0;  // of its connection; 0, or of none that is there: it has none
    int64_t since_us = 0;
    bool waits = false;  // in the kernel's queue
  };
  bool is_in(const One& one) const { return open_.contains(one.id); }
  void come(One& one) {
    one.waits = true;
    queue_.push_back(&one);
  }
  // As the listener does.
  void accept() {
    while (open_.size() < kAll && !queue_.empty()) {
      One& one = *queue_.front();
      queue_.pop_front();
      one.waits = false;
      if (places_.full(one.peer.network)) {
        const auto leaves = places_.leaves_for(one.peer, now_us_);
        if (!leaves) continue;
        close(*leaves);
      }
      one.id = ++last_;
      one.since_us = now_us_;
      open_.insert(one.id);
      places_.add(one.id, one.peer, now_us_);
      make_way();
    }
  }
  void make_way() {
    if (open_.size() < kAll) return;
    if (const auto leaves = places_.leaves_for(last_, now_us_)) close(*leaves);
  }
  void close(uint64_t id) {
    places_.remove(id);
    open_.erase(id);
  }
  void step() {
    now_us_ += kStepUs;
    make_way();
    for (One& one : idlers_) {
      if (is_in(one) && now_us_ - one.since_us >= kRenewUs) close(one.id);
      if (!is_in(one) && !one.waits) come(one);
    }
    accept();
  }
  void flood_from(const std::string& network, const std::string& host, size_t count) {
    for (size_t i = 0; i < count; ++i) idlers_.push_back({at(network, host)});
  }
  void flood_from_many_networks() {
    for (const char* network : {"a", "b", "c", "d", "e", "f", "g", "h"})
      flood_from(network, "bad", kMostOfNetwork);
  }
  // Of somebody who comes while it goes on: closed at the door he comes again, but not once he is in.
  void let_in(One& honest) {
    for (int i = 0; i < 20; ++i) step();
    const int64_t until_us = now_us_ + kPatienceUs;
    for (; !is_in(honest) && now_us_ < until_us; step())
      if (!honest.waits) come(honest);
    ASSERT_TRUE(is_in(honest));
  }
  void expect_let_through(One& honest) {
    for (const int64_t until_us = now_us_ + kSlowUs; now_us_ < until_us; step())
      ASSERT_TRUE(is_in(honest)) << (until_us - now_us_) << " us before the end";
    close(honest.id);
  }
  void expect_let_through(const Peer& peer) {
    One honest{peer};
    ASSERT_NO_FATAL_FAILURE(let_in(honest));
    expect_let_through(honest);
  }

  Places places_{kMostOfNetwork, kUndisturbedUs};
  int64_t now_us_ = kNow;
  uint64_t last_ = 0;
  std::set<uint64_t> open_;
  std::deque<One*> queue_;
  std::deque<One> idlers_;
};

TEST_F(Flood, OfOneAddressLetsSlowOnesOfItsNetworkThrough) {
  flood_from("a", "bad", 2 * kMostOfNetwork);
  expect_let_through(at("a", "honest"));
  expect_let_through(at("b"));
}

TEST_F(Flood, OfSomeAddressesLetsSlowOnesOfTheirNetworkThrough) {
  for (const char* host : {"1", "2", "3", "4"}) flood_from("a", host, kMostOfNetwork);
  expect_let_through(at("a", "honest"));
}

TEST_F(Flood, OfManyNetworksLetsSlowOnesThrough) {
  for (const char* network : {"a", "b", "c", "d", "e", "f", "g", "h"})
    flood_from(network, "bad", kMostOfNetwork);
  expect_let_through(at("z"));
  expect_let_through(at("a", "honest"));
}

TEST_F(Flood, OfNetworksWithTwoEachLetsSlowOnesThrough) {
  for (size_t i = 0; i < kAll; ++i) flood_from("n" + std::to_string(i), "bad", 2);
  expect_let_through(at("z"));
}

TEST_F(Flood, LetsThoseWithAPasswordThrough) {
  for (const char* network : {"a", "b", "c", "d", "e", "f", "g", "h"})
    flood_from(network, "bad", kMostOfNetwork);
  One honest{at("a", "honest")};
  ASSERT_NO_FATAL_FAILURE(let_in(honest));
  places_.proved(honest.id);
  expect_let_through(honest);
}

// Against the rule, counted anew each time.
TEST(Crowds, AgreeWithACount) {
  std::mt19937 random(7);
  Crowd crowd;
  std::map<uint64_t, Peer> members;
  for (uint64_t id = 1; id <= 5000; ++id) {
    if (random() % 100 < 52 || members.empty()) {
      const Peer peer =
          at(std::string(1, static_cast<char>('a' + random() % 7)), std::to_string(random() % 4));
      crowd.add(id, peer);
      members.emplace(id, peer);
    } else {
      const auto gone = std::next(members.begin(), static_cast<ptrdiff_t>(random() % members.size()));
      crowd.remove(gone->first, gone->second);
      members.erase(gone);
    }
    std::map<std::string, size_t> networks, sources;
    for (const auto& [one, peer] : members) ++networks[peer.network], ++sources[peer.source];
    size_t most = 0;
    for (const auto& [network, count] : networks) most = std::max(most, count);
    ASSERT_EQ(crowd.most(), most);
    if (members.empty()) continue;
    ASSERT_EQ(crowd.size(), members.size());
    std::string network;
    for (const auto& [one, peer] : members)
      if (network.empty() && networks[peer.network] == most) network = peer.network;
    ASSERT_EQ(crowd.of(network), most);
    size_t most_of_source = 0;
    for (const auto& [one, peer] : members)
      if (peer.network == network) most_of_source = std::max(most_of_source, sources[peer.source]);
    const auto expected = std::find_if(members.begin(), members.end(), [&](const auto& one) {
      return one.second.network == network && sources[one.second.source] == most_of_source;
    });
    ASSERT_EQ(crowd.oldest_of_most(), expected->first);
    ASSERT_EQ(crowd.oldest_of_most_in(network), expected->first);
  }
}

}  // namespace
}  // namespace headgate::ingest::test

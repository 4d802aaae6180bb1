// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <places.h>

#include <map>
#include <random>

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
  EXPECT_EQ(places_.leaves("a", kLater), 2u);
  EXPECT_EQ(places_.leaves("b", kLater), std::nullopt);
}

TEST_F(PlacesTest, WhoHasJustComeIsLeftInPeace) {
  add(1, "b", "1", kNow - 1);
  for (uint64_t id : {2, 3, 4}) add(id, "a");
  EXPECT_EQ(places_.leaves(kLater - 1), 1u) << "not of the network that has most, but long enough here";
  places_.remove(1);
  EXPECT_EQ(places_.leaves(kLater - 1), std::nullopt);
  EXPECT_EQ(places_.leaves("a", kLater - 1), std::nullopt);
  add(5, "a", "1", kLater - 1);
  EXPECT_EQ(places_.leaves_for(5, kLater - 1), std::nullopt) << "his own network has most";
  add(6, "c", "1", kLater - 1);
  EXPECT_EQ(places_.leaves_for(6, kLater - 1), 2u);
  EXPECT_EQ(places_.leaves_for(at("a", "1"), kLater - 1), std::nullopt) << "his own source has most";
  EXPECT_EQ(places_.leaves_for(at("a", "2"), kLater - 1), 2u);
  for (uint64_t id : {3, 4, 5}) places_.remove(id);
  EXPECT_EQ(places_.leaves_for(at("a", "2"), kLater - 1), std::nullopt) << "he would have as many";
}

TEST_F(PlacesTest, WhoHasProvedAPasswordLeavesLast) {
  for (uint64_t id : {1, 2, 3}) add(id, "a");
  add(4, "b");
  places_.proved(1);
  places_.proved(2);
  EXPECT_EQ(places_.leaves("a", kLater), 3u);
  EXPECT_EQ(places_.leaves(kLater), 3u);
  places_.remove(3);
  EXPECT_EQ(places_.leaves(kLater), 4u);
  places_.remove(4);
  EXPECT_EQ(places_.leaves(kLater), 1u);
  EXPECT_EQ(places_.leaves("a", kLater), 1u);
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
    ASSERT_EQ(crowd.oldest(), members.begin()->first);
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

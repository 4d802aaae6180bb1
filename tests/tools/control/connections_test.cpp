// SPDX-License-Identifier: LGPL-2.1-or-later
// Who makes way for whom, and when.
#include <control/connections.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace headgate::control {
namespace {

class ConnectionsTest : public testing::Test {
 protected:
  Connections::Id add(const std::string& address = "192.0.2.1", bool known = false) {
    const size_t number = added_++;
    return all_.add(address, known, [this, number] { closed_.push_back(number); });
  }
  using Numbers = std::vector<size_t>;

  ManualClock clock_{0, 1'000'000};
  Connections all_{clock_};
  size_t added_ = 0;
  Numbers closed_;
};

TEST_F(ConnectionsTest, HeadersAndBodyHaveTheirTime) {
  add();
  const auto second = add(), third = add(), stranger = add();
  clock_.advance_us(kHeadersUs - 1);
  EXPECT_TRUE(all_.has_headers(second, "a") && all_.has_headers(third, "b") &&
              all_.has_headers(stranger, ""));
  all_.close_overdue();
  EXPECT_EQ(closed_, Numbers{});
  clock_.advance_us(1);
  all_.close_overdue();
  EXPECT_EQ(closed_, Numbers{0}) << "it has no headers yet";
  all_.has_body(third);
  all_.has_body(stranger);
  clock_.advance_us(kBodyUs);
  all_.close_overdue();
  EXPECT_EQ(closed_, (Numbers{0, 1, 3})) << "whose body does not come, and the stranger";
  clock_.advance_us(100 * kBodyUs);
  all_.close_overdue();
  EXPECT_EQ(all_.size(), 1U) << "an answer may take its time";
}

TEST_F(ConnectionsTest, AnAddressDrivesOutItsOwnOldest) {
  add("192.0.2.9");
  for (size_t i = 0; i < kMaxStrangers; ++i) add();
  EXPECT_EQ(closed_, Numbers{});
  add();
  EXPECT_EQ(closed_, Numbers{1});
  EXPECT_EQ(all_.size(), kMaxStrangers + 1);
}

TEST_F(ConnectionsTest, WhenAllPlacesAreTakenTheOldestStrangerGoes) {
  const auto known = add("192.0.2.1");
  EXPECT_TRUE(all_.has_headers(known, "a"));
  for (size_t i = 1; i < kMaxConnections; ++i) add("198.51.100." + std::to_string(i));
  EXPECT_EQ(closed_, Numbers{});
  EXPECT_TRUE(all_.has_place());
  add("192.0.2.2");
  EXPECT_EQ(closed_, Numbers{1});
  EXPECT_EQ(all_.size(), kMaxConnections);
}

TEST_F(ConnectionsTest, FourAddressesThatHaveAllPlacesDriveOutThemselves) {
  add("192.0.2.1");  // somebody slow
  for (size_t i = 1; i < kMaxConnections; ++i) add("198.51.100." + std::to_string(i % 4));
  EXPECT_EQ(closed_, Numbers{});
  for (size_t i = 0; i < kMaxConnections; ++i) add("198.51.100." + std::to_string(i % 4));
  EXPECT_EQ(closed_.size(), kMaxConnections);
  EXPECT_EQ(std::count(closed_.begin(), closed_.end(), 0U), 0);
  add("192.0.2.2");
  EXPECT_EQ(std::count(closed_.begin(), closed_.end(), 0U), 0);
}

TEST_F(ConnectionsTest, WhoeverIsKnownStaysAndOthersWait) {
  std::vector<Connections::Id> ids;
  for (size_t i = 0; i < kMaxConnections; ++i) ids.push_back(add("192.0.2.1", true));
  EXPECT_FALSE(all_.has_place());
  all_.remove(ids[5]);
  EXPECT_TRUE(all_.has_place());
  EXPECT_EQ(closed_, Numbers{});
}

TEST_F(ConnectionsTest, ATokenHasNotAllPlaces) {
  for (size_t i = 0; i < kMaxOfToken; ++i)
    EXPECT_TRUE(all_.has_headers(add("192.0.2." + std::to_string(i)), "a"));
  const auto more = add();
  EXPECT_FALSE(all_.has_headers(more, "a"));
  EXPECT_TRUE(all_.has_headers(add(), "b"));
  clock_.advance_us(kHeadersUs);
  all_.has_body(more);
  all_.close_overdue();
  EXPECT_EQ(all_.size(), 0U) << "none has its body, and the one too many is a stranger";
}

TEST_F(ConnectionsTest, WhoseTokenIsRevokedIsAStrangerAgain) {
  const auto one = add(), other = add();
  add();
  for (const auto id : {one, other}) {
    EXPECT_TRUE(all_.has_headers(id, id == one ? "a" : "b"));
    all_.has_body(id);
  }
  all_.recheck([](const std::string& token) { return token == "b"; });
  clock_.advance_us(kHeadersUs - 1);
  all_.close_overdue();
  EXPECT_EQ(closed_, Numbers{});
  clock_.advance_us(1);
  all_.close_overdue();
  EXPECT_EQ(closed_, (Numbers{0, 2}));
}

}  // namespace
}  // namespace headgate::control

// SPDX-License-Identifier: LGPL-2.1-or-later
// ticketsrc's poller alone, on a tick that does not come while the test lasts.
#include "ticketsrc/poller.h"

#include <atomic>

#include "plugin_test.h"

namespace headgate::ticketsrc {
namespace {

constexpr unsigned kNeverMs = 3'600'000;
static_assert(kNeverMs > 10 * test::kPatienceMs);

// Counts how often it is served.
class Client : public PollClient {
 public:
  Client() { poller_.add(this); }
  ~Client() override { poller_.remove(this); }
  void on_tick(std::span<std::byte>) override { ++served_; }
  bool is_served() const {
    return test::eventually([this] { return served_ > 0; });
  }
  int served() const { return served_; }

 private:
  Poller& poller_ = Poller::of_tick(kNeverMs);
  std::atomic<int> served_{0};
};

TEST(Poller, WhoComesIsServedBeforeTheNextTick) {
  Client first;
  ASSERT_TRUE(first.is_served());
  for (int i = 0; i < 5; ++i) {
    Client next;
    ASSERT_TRUE(next.is_served());
    EXPECT_EQ(next.served(), 1);
  }
  EXPECT_EQ(first.served(), 1);
}

}  // namespace
}  // namespace headgate::ticketsrc

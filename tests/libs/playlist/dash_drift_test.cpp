// SPDX-License-Identifier: LGPL-2.1-or-later
// Periods of a stream whose sender's clock is not the node's: what was listed stays where it was, and what is
// new can be had when the manifest says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include <playlist/dash.h>

#include "manifest_text.h"
#include "records.h"

namespace headgate::playlist {
namespace {

using test::attribute_of;
using test::init;
using test::kUtc;
using test::segment;
using test::timeline_of;
using test::TimelineEntry;

// A live stream of segments that last two seconds by the sender's clock and `second_us` microseconds for each
// of its seconds by the node's. Of every manifest: nothing that was said is taken back, and what is new can
// be had when it says.
class DashDriftTest : public testing::Test {
 protected:
  struct Told {
    double start = 0, ahead = 0, offset = 0, end = 0;  // seconds
  };

  explicit DashDriftTest() { begin("r1", 0, 0); }
  void begin(const std::string& name, uint64_t msn, uint64_t dseq) {
    source_.add(test::run(name, msn, dseq, now_us_, 4000));
    source_.add(init("aa", "r1/0.mp4"));
  }
  void pass(double seconds) { now_us_ += static_cast<int64_t>(seconds * 1e6); }
  // `late`: seconds that its beginning came later than the others do.
  void one(int64_t second_us, double late = 0) {
    SegmentRecord record = segment(msn_++, at_);
    record.utc_us = now_us_ + static_cast<int64_t>(late * 1e6);
    now_us_ += 2 * second_us;
    at_ += 2;
    source_.add(record);
    told(now_us_);
  }
  void many(uint64_t count, int64_t second_us) {
    for (uint64_t i = 0; i < count && !HasFailure(); ++i) one(second_us);
  }
  void told(int64_t complete_us) {
    text_ = dash_manifest(source_, {}, {.zero_utc_us = kUtc, .base = "b/"}, periods_);
    std::map<std::string, Told> now;
    double until = -1;
    for (size_t at = text_.find("<Period "); at != text_.npos; at = text_.find("<Period ", at + 1)) {
      const std::string period = text_.substr(at, text_.find("</Period>", at) - at);
      Told one;
      one.start = std::stod(attribute_of(period, 0, "start").substr(2));
      const size_t base = period.find("<BaseURL ");
      if (base != period.npos) one.ahead = std::stod(attribute_of(period, base, "availabilityTimeOffset"));
      one.offset = std::stod(attribute_of(period, 0, "presentationTimeOffset")) / kTimescale;
      one.end = std::stod(attribute_of(period, period.find("<S "), "t")) / kTimescale;
      for (const TimelineEntry& entry : timeline_of(period))
        one.end += static_cast<double>(entry.count * entry.duration) / kTimescale;
      ASSERT_GE(one.start + 1e-3, until) << "what was listed before is cut short\n" << text_;
      until = one.start + one.end - one.offset;
      const std::string id = attribute_of(period, 0, "id");
      if (const auto before = last_.find(id); before != last_.end()) {
        ASSERT_EQ(before->second.start, one.start) << text_;
        ASSERT_EQ(before->second.offset, one.offset) << text_;
        ASSERT_EQ(before->second.ahead, one.ahead) << text_;
      }
      newest_ = now[id] = one;
    }
    last_ = now;
    // Of the newest segment, by the node's clock.
    const double nominal = until - newest_.ahead, real = static_cast<double>(complete_us - kUtc) / 1e6;
    worst_ = std::max(worst_, std::abs(nominal - real));
  }

  static constexpr double kBound = static_cast<double>(kMaxDashDrift) / kTimescale;
  StreamIndex source_{{30'000, 20'000}};
  DashPeriods periods_;
  uint64_t msn_ = 0;
  double at_ = 0;
  int64_t now_us_ = kUtc;
  std::map<std::string, Told> last_;
  Told newest_;
  double worst_ = 0;
  std::string text_;
};

constexpr uint64_t kThreeHours = 3 * 3600 / 2;

// 108 s in all.
TEST_F(DashDriftTest, AClockThatIsSlow) {
  many(kThreeHours, 1'010'000);
  EXPECT_GT(worst_, kBound - 0.1);
  EXPECT_LE(worst_, kBound + 0.01 * 2 * (kDashDriftSegments + 1));
  EXPECT_NEAR(newest_.start - newest_.offset, 105, 5);
  EXPECT_EQ(newest_.ahead, 0);
  // An origin that is started again.
  const double before = newest_.start - newest_.offset;
  periods_.forget();
  last_.clear();
  one(1'010'000);
  EXPECT_EQ(periods_.periods().size(), 1u);
  EXPECT_NEAR(newest_.start - newest_.offset, before, kBound);
  // What is watched from the beginning has the media's own times.
  const std::string all = dash_manifest(source_, {}, {.everything = true, .zero_utc_us = kUtc});
  EXPECT_EQ(all.find("<Period ", all.find("<Period ") + 1), all.npos) << all;
}

TEST_F(DashDriftTest, AClockThatIsFast) {
  many(kThreeHours, 990'000);
  EXPECT_GT(worst_, kBound - 0.1);
  EXPECT_LE(worst_, kBound + 0.01 * 2 * (kDashDriftSegments + 1));
  EXPECT_EQ(newest_.start, newest_.offset) << "nothing is moved";
  EXPECT_NEAR(newest_.ahead, 105, 5);
  EXPECT_NE(text_.find(">\n  <BaseURL availabilityTimeOffset=\""), std::string::npos) << text_;
  // He comes back, on the node's clock.
  pass(130);
  at_ = static_cast<double>(now_us_ - kUtc) / 1e6;
  begin("r2", msn_, 1);
  many(20, 1'000'000);
  EXPECT_EQ(newest_.start, newest_.offset);
  EXPECT_EQ(newest_.ahead, 0);
}

// What he sent while he was ahead is all there: the next run follows that, however soon he comes.
TEST_F(DashDriftTest, ARunBehindOneThatWasAhead) {
  many(600, 990'000);
  const double before = newest_.ahead;
  EXPECT_GT(before, 5);
  begin("r2", msn_, 1);
  many(20, 1'000'000);
  EXPECT_NEAR(newest_.start, newest_.offset, 1e-3);
  EXPECT_NEAR(newest_.ahead, before, kBound);
}

TEST_F(DashDriftTest, AConnectionThatStoodStill) {
  many(20, 1'000'000);
  one(1'000'000, 7);
  one(1'000'000, 6);
  many(20, 1'000'000);
  EXPECT_EQ(periods_.periods().size(), 1u);
  EXPECT_EQ(newest_.start, 0);
}

// The node's clock is set: an hour on, and back by a day.
TEST_F(DashDriftTest, TheNodesClockIsSet) {
  many(20, 1'000'000);
  pass(3600);
  many(20, 1'000'000);
  EXPECT_NEAR(newest_.start - newest_.offset, 3600, 1e-3);
  pass(-86'400);
  many(20, 1'000'000);
  EXPECT_NEAR(newest_.start - newest_.offset, 3600, 1e-3);
  EXPECT_NEAR(newest_.ahead, 86'400, 1e-3);
}

}  // namespace
}  // namespace headgate::playlist

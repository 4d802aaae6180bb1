// SPDX-License-Identifier: LGPL-2.1-or-later
// Many parts have more time than one, one that hangs has its own, and there is an end.
#include "serve/trial_parts.h"

#include <base/clock.h>

#include <optional>

#include "serve/check.h"
#include "tasks_fixture.h"

namespace headgate::serve {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;

class TrialPartsTest : public TasksFixture {
 protected:
  // What is refused of parts of this script; each has taken so long by the clock when it ends.
  std::string refused(const std::string& script, size_t parts, int64_t each_us,
                      const TrialLimits& limits = {}) {
    // The parts begin where the time is asked for: at the trial's own begin, and before each of them.
    class Steps : public Clock {
     public:
      explicit Steps(int64_t us) : us_(us) {}
      int64_t utc_us() const override { return 0; }
      int64_t mono_us() const override { return us_ * asked_++; }
      const int64_t us_;
      mutable int64_t asked_ = 0;
    } clock(each_us);
    std::vector<TrialPart> all;
    for (size_t i = 1; i <= parts; ++i) all.push_back({"part " + std::to_string(i), shell(script)});
    TrialParts trial(tasks_, clock);
    std::optional<std::string> out;
    trial.run(std::move(all), limits, [&out](const std::string& text) { out = text; });
    EXPECT_TRUE(wait_for([&out] { return out.has_value(); }));
    return out.value_or("did not end");
  }
};

TEST_F(TrialPartsTest, ManyHaveMoreTimeThanOne) {
  EXPECT_EQ(refused("exit 0", 0, 0), "");
  EXPECT_EQ(refused("exit 0", 68, 8'000'000), "") << "nine minutes, in parts that are quick";
}

TEST_F(TrialPartsTest, ThereIsAnEnd) {
  EXPECT_EQ(
      refused("exit 0", 68, kMinuteUs),
      "part 10 has not ended within the 600 s that all parts of the trial have (it is number 10 of 68)");
}

TEST_F(TrialPartsTest, OneThatHangsIsFoundOutByItsOwnTime) {
  EXPECT_EQ(refused("echo opening the card; exec sleep 1000", 3, 0, {1000, 600'000}),
            "opening the card\npart 1 took longer than 1 s and was killed");
}

TEST_F(TrialPartsTest, WhatIsLeftOfAllIsTheLastOnesTime) {
  // A fifth of the second is left when the first begins.
  EXPECT_EQ(refused("exec sleep 1000", 3, 800'000, {60'000, 1000}),
            "part 1 has not ended within the 1 s that all parts of the trial have (it is number 1 of 3)");
}

TEST_F(TrialPartsTest, TheFirstWrongOneIsNamedWithWhatItSaid) {
  EXPECT_EQ(refused("echo no camera; exit 1", 2, 0), "no camera\npart 1 ended with 1");
  const std::string chatty =
      refused("i=0; while [ $i -lt 500 ]; do echo 0123456789; i=$((i+1)); done; exit 1", 2, 0);
  EXPECT_LE(chatty.size(), kMaxSaidBytes - 4) << "fits into what is told of the whole trial";
  EXPECT_TRUE(chatty.ends_with("...\npart 1 ended with 1")) << chatty;
}

}  // namespace
}  // namespace headgate::serve

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preflight/content_interval.h"

#include <gtest/gtest.h>

namespace headgate::preflight {
namespace {

int64_t interval_ms(const std::string& json, const std::vector<std::string>& set = {}) {
  const auto description = pipeline::Description::parse(json, "x.json");
  EXPECT_TRUE(description) << description.error().message;
  return description ? content_interval_ns(*description, set) / 1'000'000 : -1;
}

// As station and event.
const std::string kAsked = R"({"name": "x", "elements": [
    "fakesrc name=source ! healthprobe content-interval=${content-ms} content-budget=5 ! fakesink location=${where}"],
  "parameters": {"content-ms": {"type": "duration", "unit": "ms", "default": 0}, "where": {"type": "string"}}})";

TEST(ContentInterval, IsTheParametersValueWhichIsOff) {
  EXPECT_EQ(interval_ms(kAsked), 0);
  EXPECT_EQ(interval_ms(kAsked, {"content-ms=2000", "of-another=5"}), 2000);
  EXPECT_EQ(interval_ms(kAsked, {"content-ms=2000", "content-ms=3s"}), 3000) << "the last one counts";
  EXPECT_EQ(interval_ms(kAsked, {"content-ms=nonsense"}), 0) << "that is told elsewhere";
}

TEST(ContentInterval, IsThatOfTheDescriptionsHealth) {
  EXPECT_EQ(interval_ms(R"({"name": "x", "elements": "fakesrc name=source ! healthprobe ! fakesink",
                            "health": {"content": "4s"}})"),
            4000);
  EXPECT_EQ(interval_ms(R"({"name": "x", "elements": "fakesrc name=source ! healthprobe ! fakesink"})"), 0);
}

}  // namespace
}  // namespace headgate::preflight

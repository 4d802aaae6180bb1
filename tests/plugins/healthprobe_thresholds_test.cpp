// SPDX-License-Identifier: LGPL-2.1-or-later
// From which measure on content is black, silent and so on: properties, and what a description says of them.
#include <content/judge.h>
#include <pipeline/health_keys.h>

#include <vector>

#include "healthprobe_content_fixture.h"

namespace headgate::healthprobe {
namespace {

gst::Ref<GstElement> make_probe() {
  return gst::Ref<GstElement>::adopt(
      GST_ELEMENT(g_object_ref_sink(gst_element_factory_make("healthprobe", nullptr))));
}

struct Range {
  double least = -1, most = -1;
};
Range range_of(GParamSpec* spec) {
  if (G_IS_PARAM_SPEC_DOUBLE(spec))
    return {G_PARAM_SPEC_DOUBLE(spec)->minimum, G_PARAM_SPEC_DOUBLE(spec)->maximum};
  if (G_IS_PARAM_SPEC_UINT(spec))
    return {static_cast<double>(G_PARAM_SPEC_UINT(spec)->minimum),
            static_cast<double>(G_PARAM_SPEC_UINT(spec)->maximum)};
  if (G_IS_PARAM_SPEC_UINT64(spec))
    return {static_cast<double>(G_PARAM_SPEC_UINT64(spec)->minimum),
            static_cast<double>(G_PARAM_SPEC_UINT64(spec)->maximum)};
  return {};
}

// A description's reader knows no element: what it lets through has to be what the element takes.
TEST(Thresholds, KeysOfADescriptionArePropertiesWithTheirRanges) {
  const auto probe = make_probe();
  for (const pipeline::HealthKey& one : pipeline::kHealthKeys) {
    GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(probe.get()), one.property);
    ASSERT_TRUE(spec) << one.property;
    EXPECT_EQ(G_IS_PARAM_SPEC_DOUBLE(spec), one.unit == pipeline::HealthUnit::number) << one.property;
    EXPECT_EQ(range_of(spec).least, one.least) << one.property;
    EXPECT_EQ(range_of(spec).most, one.most) << one.property;
  }
}

TEST(Thresholds, EachIsAPropertyOfItsOwn) {
  const auto probe = make_probe();
  const auto numbers = [&] {
    std::vector<double> out;
    for (const pipeline::HealthKey& one : pipeline::kHealthKeys) {
      if (one.unit != pipeline::HealthUnit::number) continue;
      double value = 0;
      g_object_get(probe.get(), one.property, &value, nullptr);
      out.push_back(value);
    }
    return out;
  };
  const content::ContentThresholds d;
  std::vector<double> expected{d.black_bright,      d.black_contrast, d.covered_detail,
                               d.frozen_mean,       d.frozen_most,    d.frozen_frame,
                               d.frozen_macroblock, d.silent_db,      d.clipped_share};
  EXPECT_EQ(numbers(), expected);
  size_t i = 0;
  for (const pipeline::HealthKey& one : pipeline::kHealthKeys) {
    if (one.unit != pipeline::HealthUnit::number) continue;
    expected.at(i) = (one.least + one.most) / 2;
    g_object_set(probe.get(), one.property, expected[i], nullptr);
    EXPECT_EQ(numbers(), expected) << one.property;
    ++i;
  }
}

TEST_F(Content, ThresholdsThatAreGivenAreTheOnesThatCount) {
  EXPECT_TRUE(is(
      run(
          sound("volume=0.05"), [](const GstStructure* one) { return is(one, "silent"); }, "silent-level=-10")
          .get(),
      "silent"))
      << "-29 dBFS are silent where that is wanted";
  const auto stream = run(
      picture("black"), [](const GstStructure* one) { return number(one, "samples") >= 6; },
      "black-brightness=0");
  EXPECT_FALSE(is(stream.get(), "black")) << "no picture is black where that is wanted";
  EXPECT_GE(number(stream.get(), "samples"), 6u);
}

}  // namespace
}  // namespace headgate::healthprobe

// SPDX-License-Identifier: LGPL-2.1-or-later
// The ladder's scaler: as exact as eight bits are, from every format and layout that it takes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "ladder/scaler.h"
#include "plugin_test.h"

namespace headgate::abrhlssink {
namespace {

using gst::Ref;

GstVideoInfo info_of(GstVideoFormat format, guint width, guint height) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, format, width, height);
  gst_video_colorimetry_from_string(&info.colorimetry, GST_VIDEO_COLORIMETRY_BT709);
  info.fps_n = 25;
  info.fps_d = 1;
  return info;
}

// A buffer whose planes begin `shift` bytes into its memory and have rows of `spare` bytes more than they
// need.
Ref<GstBuffer> buffer_of(const GstVideoInfo& info, gsize shift, gint spare) {
  gsize offsets[GST_VIDEO_MAX_PLANES] = {};
  gint strides[GST_VIDEO_MAX_PLANES] = {};
  gsize size = shift;
  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES(&info); ++i) {
    strides[i] = GST_VIDEO_INFO_PLANE_STRIDE(&info, i) + spare;
    offsets[i] = size;
    const gint component = i == 0 ? 0 : 1;
    size += static_cast<gsize>(strides[i]) *
            GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT(info.finfo, component, info.height);
  }
  GstAllocationParams params;
  gst_allocation_params_init(&params);
  params.align = kPictureAlign;
  auto buffer = Ref<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, size, &params));
  gst_buffer_add_video_meta_full(buffer.get(), GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info),
                                 static_cast<guint>(info.width), static_cast<guint>(info.height),
                                 GST_VIDEO_INFO_N_PLANES(&info), offsets, strides);
  return buffer;
}

class Frame {
 public:
  Frame(const GstVideoInfo& info, GstBuffer* buffer, GstMapFlags flags) {
    EXPECT_TRUE(gst_video_frame_map(&frame_, &info, buffer, flags));
  }
  ~Frame() { gst_video_frame_unmap(&frame_); }
  Frame(const Frame&) = delete;
  int width(guint component) const { return GST_VIDEO_FRAME_COMP_WIDTH(&frame_, component); }
  int height(guint component) const { return GST_VIDEO_FRAME_COMP_HEIGHT(&frame_, component); }
  guint components() const { return GST_VIDEO_FRAME_N_COMPONENTS(&frame_); }
  int get(guint component, int x, int y) const {
    const guint8* const at = where(component, x, y);
    const int raw = bytes() == 2 ? at[0] | at[1] << 8 : at[0];
    return raw >> shift_of(component);
  }
  void set(guint component, int x, int y, int value) {
    guint8* const at = where(component, x, y);
    value <<= shift_of(component);
    at[0] = static_cast<guint8>(value);
    if (bytes() == 2) at[1] = static_cast<guint8>(value >> 8);
  }
  // Eight bits of each component, in as many as it has.
  template <typename Value>
  void fill(Value value) {
    const int more = GST_VIDEO_FRAME_COMP_DEPTH(&frame_, 0) - 8;
    for (guint component = 0; component < components(); ++component)
      for (int y = 0; y < height(component); ++y)
        for (int x = 0; x < width(component); ++x) set(component, x, y, value(component, x, y) << more);
  }

 private:
  int bytes() const { return GST_VIDEO_FRAME_COMP_DEPTH(&frame_, 0) > 8 ? 2 : 1; }
  int shift_of(guint component) const { return static_cast<int>(frame_.info.finfo->shift[component]); }
  guint8* where(guint component, int x, int y) const {
    // GST_VIDEO_FRAME_COMP_DATA is wrong by a byte for P010's V (1.22).
    const auto plane = static_cast<guint>(GST_VIDEO_FRAME_COMP_PLANE(&frame_, component));
    return static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame_, plane)) +
           (component == 2 && plane == 1 ? bytes() : 0) +
           static_cast<ptrdiff_t>(y) * GST_VIDEO_FRAME_COMP_STRIDE(&frame_, component) +
           static_cast<ptrdiff_t>(x) * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame_, component);
  }
  GstVideoFrame frame_{};
};

Ref<GstBuffer> scaled(const GstVideoInfo& from, GstBuffer* picture, guint width, guint height) {
  auto scaler = Scaler::make(from, scaled_info(from, width, height, 25, 1));
  EXPECT_TRUE(scaler) << scaler.error().message;
  if (!scaler) return {};
  auto out = (*scaler)->scale(picture);
  EXPECT_TRUE(out) << out.error().message;
  return out ? std::move(out).value() : Ref<GstBuffer>();
}

constexpr int kU = 100, kV = 150;

int slope(guint component, int x, int) {
  return component == 0 ? 20 + x / 2 : component == 1 ? kU : kV;
}

class EachFormat : public ::testing::TestWithParam<GstVideoFormat> {};

TEST_P(EachFormat, KeepsASlopeAndItsColour) {
  const GstVideoInfo from = info_of(GetParam(), 320, 180);
  const auto picture = buffer_of(from, 0, 0);
  Frame(from, picture.get(), GST_MAP_WRITE).fill(slope);
  GST_BUFFER_PTS(picture.get()) = 7;
  const auto out = scaled(from, picture.get(), 160, 90);
  ASSERT_TRUE(out);
  EXPECT_EQ(GST_BUFFER_PTS(out.get()), 7U);
  const Frame seen(info_of(GST_VIDEO_FORMAT_I420, 160, 90), out.get(), GST_MAP_READ);
  const bool colour = GST_VIDEO_INFO_N_COMPONENTS(&from) > 1;
  for (int y = 0; y < 90; ++y)
    for (int x = 4; x < 156; ++x) ASSERT_NEAR(seen.get(0, x, y), 20 + x, 1) << x << ' ' << y;
  for (int y = 0; y < 45; ++y)
    for (int x = 0; x < 80; ++x) {
      ASSERT_EQ(seen.get(1, x, y), colour ? kU : 128) << x << ' ' << y;
      ASSERT_EQ(seen.get(2, x, y), colour ? kV : 128) << x << ' ' << y;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Scaler, EachFormat,
    ::testing::Values(GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_Y42B,
                      GST_VIDEO_FORMAT_Y444, GST_VIDEO_FORMAT_I420_10LE, GST_VIDEO_FORMAT_I422_10LE,
                      GST_VIDEO_FORMAT_Y444_10LE, GST_VIDEO_FORMAT_P010_10LE, GST_VIDEO_FORMAT_GRAY8),
    [](const auto& info) { return std::string(gst_video_format_to_string(info.param)); });

TEST(Scaler, EachFormatThatItNamesIsTried) {
  const GstCaps* const caps = scalable_caps().release();
  const GValue* const formats = gst_structure_get_value(gst_caps_get_structure(caps, 0), "format");
  EXPECT_EQ(gst_value_list_get_size(formats), 9U);
  gst_caps_unref(const_cast<GstCaps*>(caps));
}

double cubic(double x) {  // Mitchell and Netravali's family with B = 0, C = 0.6
  constexpr double kC = 0.6;
  x = std::abs(x);
  if (x < 1) return (12 - 6 * kC) / 6 * x * x * x + (-18 + 6 * kC) / 6 * x * x + 1;
  if (x < 2) return -kC * x * x * x + 5 * kC * x * x - 8 * kC * x + 4 * kC;
  return 0;
}

// One line or column of `in` made `length` long, without any rounding.
std::vector<double> resampled(const std::vector<double>& in, size_t length) {
  const double step = static_cast<double>(in.size()) / static_cast<double>(length);
  std::vector<double> out(length);
  for (size_t i = 0; i < length; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * step - 0.5;
    double sum = 0, weights = 0;
    for (auto at = static_cast<int>(std::floor(centre - 2 * step)); at <= std::ceil(centre + 2 * step);
         ++at) {
      const double weight = cubic((at - centre) / step);
      const auto inside = static_cast<size_t>(std::clamp(at, 0, static_cast<int>(in.size()) - 1));
      sum += weight * in[inside];
      weights += weight;
    }
    out[i] = sum / weights;
  }
  return out;
}

// What a cascade adds to each picture is what its steps round, so they round once and rightly.
TEST(Scaler, IsExactToHalfAValueInTheMean) {
  constexpr int kWidth = 240, kHeight = 180, kToWidth = 160, kToHeight = 120, kEdge = 6;
  const GstVideoInfo from = info_of(GST_VIDEO_FORMAT_I420, kWidth, kHeight);
  const auto picture = buffer_of(from, 0, 0);
  std::mt19937 random(1);
  std::vector<std::vector<double>> rows;
  {
    Frame frame(from, picture.get(), GST_MAP_WRITE);
    frame.fill([&](guint, int, int) { return static_cast<int>(60 + random() % 120); });
    for (int y = 0; y < kHeight; ++y) {
      std::vector<double> row(kWidth);
      for (int x = 0; x < kWidth; ++x) row[static_cast<size_t>(x)] = frame.get(0, x, y);
      rows.push_back(resampled(row, kToWidth));
    }
  }
  const auto out = scaled(from, picture.get(), kToWidth, kToHeight);
  ASSERT_TRUE(out);
  const Frame seen(info_of(GST_VIDEO_FORMAT_I420, kToWidth, kToHeight), out.get(), GST_MAP_READ);
  double darker = 0, squares = 0;
  int count = 0;
  for (int x = kEdge; x < kToWidth - kEdge; ++x) {
    std::vector<double> column(kHeight);
    for (int y = 0; y < kHeight; ++y)
      column[static_cast<size_t>(y)] = rows[static_cast<size_t>(y)][static_cast<size_t>(x)];
    column = resampled(column, kToHeight);
    for (int y = kEdge; y < kToHeight - kEdge; ++y) {
      const double off = seen.get(0, x, y) - std::clamp(column[static_cast<size_t>(y)], 0.0, 255.0);
      EXPECT_LT(std::abs(off), 1.6) << x << ' ' << y;
      darker += off;
      squares += off * off;
      ++count;
    }
  }
  EXPECT_LT(std::abs(darker / count), 0.02);  // sums that are cut off are 0.5 darker
  EXPECT_LT(squares / count, 0.25);           // rounding alone: 1/12 for each of two steps
}

TEST(Scaler, TakesRowsAndPlanesThatBeginAnywhere) {
  for (const GstVideoFormat format :
       {GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_I420_10LE}) {
    const GstVideoInfo from = info_of(format, 320, 180);
    std::vector<int> first;
    for (const gsize shift : {0, 2, 30}) {
      const auto picture = buffer_of(from, shift, shift == 0 ? 0 : 6);
      Frame(from, picture.get(), GST_MAP_WRITE).fill([](guint c, int x, int y) {
        return (x * 7 + y * 3 + 50 * static_cast<int>(c)) & 0xff;
      });
      const auto out = scaled(from, picture.get(), 214, 120);
      ASSERT_TRUE(out);
      const Frame seen(info_of(GST_VIDEO_FORMAT_I420, 214, 120), out.get(), GST_MAP_READ);
      std::vector<int> values;
      for (guint c = 0; c < 3; ++c)
        for (int y = 0; y < seen.height(c); ++y)
          for (int x = 0; x < seen.width(c); ++x) values.push_back(seen.get(c, x, y));
      if (first.empty()) first = values;
      EXPECT_EQ(values, first) << gst_video_format_to_string(format) << ' ' << shift;
    }
  }
}

TEST(Scaler, TakesOddSizes) {
  for (const GstVideoFormat format : {GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_Y444}) {
    const GstVideoInfo from = info_of(format, 321, 181);
    const auto picture = buffer_of(from, 0, 0);
    Frame(from, picture.get(), GST_MAP_WRITE).fill([](guint c, int, int) {
      return c == 0 ? 77 : c == 1 ? kU : kV;
    });
    const auto out = scaled(from, picture.get(), 160, 90);
    ASSERT_TRUE(out);
    const Frame seen(info_of(GST_VIDEO_FORMAT_I420, 160, 90), out.get(), GST_MAP_READ);
    for (guint c = 0; c < 3; ++c)
      for (int y = 0; y < seen.height(c); ++y)
        for (int x = 0; x < seen.width(c); ++x) ASSERT_EQ(seen.get(c, x, y), c == 0 ? 77 : c == 1 ? kU : kV);
  }
}

TEST(Scaler, StretchesNoRange) {
  for (const GstVideoColorRange range : {GST_VIDEO_COLOR_RANGE_0_255, GST_VIDEO_COLOR_RANGE_16_235})
    for (const int value : {0, 8, 16, 235, 250, 255}) {
      GstVideoInfo from = info_of(GST_VIDEO_FORMAT_I420, 320, 180);
      from.colorimetry.range = range;
      const auto picture = buffer_of(from, 0, 0);
      Frame(from, picture.get(), GST_MAP_WRITE).fill([&](guint, int, int) { return value; });
      const auto out = scaled(from, picture.get(), 160, 90);
      ASSERT_TRUE(out);
      const Frame seen(info_of(GST_VIDEO_FORMAT_I420, 160, 90), out.get(), GST_MAP_READ);
      EXPECT_EQ(seen.get(0, 80, 45), value);
      EXPECT_EQ(seen.get(1, 40, 20), value);
    }
}

TEST(Scaler, GivesTheSamePictureWhereNothingIsToBeDone) {
  const GstVideoInfo from = info_of(GST_VIDEO_FORMAT_I420, 320, 180);
  const auto picture = buffer_of(from, 0, 0);
  EXPECT_EQ(scaled(from, picture.get(), 320, 180).get(), picture.get());
}

TEST(Scaler, RefusesWhatItCannotRead) {
  const GstVideoInfo from = info_of(GST_VIDEO_FORMAT_RGB, 320, 180);
  const auto scaler = Scaler::make(from, scaled_info(from, 160, 90, 25, 1));
  ASSERT_FALSE(scaler);
  EXPECT_NE(scaler.error().message.find("RGB"), std::string::npos);
}

}  // namespace
}  // namespace headgate::abrhlssink

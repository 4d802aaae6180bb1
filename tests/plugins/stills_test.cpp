// SPDX-License-Identifier: LGPL-2.1-or-later
// Small pictures of the ladder: as JPEG, of the right size, with the colours of the video.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <vector>

#include "ladder/stills.h"
#include "plugin_test.h"

namespace headgate::abrhlssink {
namespace {

using gst::Ref;

constexpr int64_t kSecond = 1'000'000'000;

// What comes out.
struct Shelf {
  std::mutex mutex;
  std::vector<codec::Track> tracks;
  std::vector<std::pair<int64_t, ByteVector>> pictures;  // time and JPEG
  std::vector<std::string> ends;

  UnitSink sink() {
    UnitSink sink;
    sink.track = [this](const std::string& name, const codec::Track& track) {
      EXPECT_EQ(name, "pictures");
      std::lock_guard lock(mutex);
      tracks.push_back(track);
    };
    sink.unit = [this](const std::string&, const store::DerivedUnit& unit) {
      EXPECT_TRUE(unit.key);
      EXPECT_EQ(unit.dts_ns, unit.pts_ns);
      std::lock_guard lock(mutex);
      pictures.emplace_back(unit.pts_ns, ByteVector(unit.data.begin(), unit.data.end()));
    };
    sink.end = [this](const std::string&, const std::string& reason) {
      std::lock_guard lock(mutex);
      ends.push_back(reason);
    };
    return sink;
  }
};

GstVideoInfo info_of(guint width, guint height) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, width, height);
  gst_video_colorimetry_from_string(&info.colorimetry, GST_VIDEO_COLORIMETRY_BT709);
  info.fps_n = 25;
  info.fps_d = 1;
  return info;
}

// Pure green as BT.709 has it, limited range; BT.601 would take it for another green.
Ref<GstBuffer> green(GstVideoInfo info) {
  constexpr guint8 kY = 173, kU = 42, kV = 26;
  auto buffer = Ref<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, info.size, nullptr));
  const gsize luma = GST_VIDEO_INFO_PLANE_OFFSET(&info, 1), u = GST_VIDEO_INFO_PLANE_OFFSET(&info, 2) - luma;
  gst_buffer_memset(buffer.get(), 0, kY, luma);
  gst_buffer_memset(buffer.get(), luma, kU, u);
  gst_buffer_memset(buffer.get(), luma + u, kV, info.size - luma - u);
  return buffer;
}

// ffmpeg's word for what a JPEG shows: its pixels as RGB.
ByteVector decoded(const ByteVector& jpeg) {
  const auto folder = std::filesystem::temp_directory_path() / ("stills-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string in = folder / "one.jpg", out = folder / "one.rgb";
  std::ofstream(in, std::ios::binary) << as_text(jpeg);
  const std::string command = "ffmpeg -v error -y -i " + in + " -f rawvideo -pix_fmt rgb24 " + out;
  EXPECT_EQ(std::system(command.c_str()), 0);
  std::ifstream file(out, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  std::filesystem::remove_all(folder);
  const Bytes bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

TEST(Stills, AreSmallJpegsWithTheVideosColours) {
  Shelf shelf;
  Stills stills(shelf.sink());
  const GstVideoInfo info = info_of(640, 360);
  for (int64_t i = 0; i < 3; ++i) {
    const auto taken = stills.take(green(info).get(), info, i * 2 * kSecond);
    ASSERT_TRUE(taken) << taken.error().message;
    ASSERT_TRUE(test::eventually([&] {
      std::lock_guard lock(shelf.mutex);
      return shelf.pictures.size() == static_cast<size_t>(i + 1);
    }));
  }
  stills.finish("stopped");
  ASSERT_EQ(shelf.tracks.size(), 1u);
  EXPECT_EQ(shelf.tracks[0].codec, codec::Codec::mjpeg);
  EXPECT_EQ(shelf.tracks[0].width, 320u);
  EXPECT_EQ(shelf.tracks[0].height, 180u);
  EXPECT_EQ(shelf.ends, std::vector<std::string>{"stopped"});
  for (size_t i = 0; i < shelf.pictures.size(); ++i)
    EXPECT_EQ(shelf.pictures[i].first, static_cast<int64_t>(i) * 2 * kSecond);
  const ByteVector pixels = decoded(shelf.pictures[1].second);
  ASSERT_EQ(pixels.size(), 320u * 180 * 3);
  for (size_t colour = 0; colour < 3; ++colour)
    EXPECT_NEAR(std::to_integer<int>(pixels[320 * 90 * 3 + colour]), colour == 1 ? 255 : 0, 12) << colour;
}

TEST(Stills, FollowAChangeOfSizeAndKeepTheShape) {
  Shelf shelf;
  Stills stills(shelf.sink());
  GstVideoInfo wide = info_of(720, 576);  // as 1024 x 576 is seen
  wide.par_n = 64;
  wide.par_d = 45;
  const GstVideoInfo sizes[] = {info_of(180, 320), info_of(64, 36), wide};
  for (const GstVideoInfo& info : sizes) ASSERT_TRUE(stills.take(green(info).get(), info, 0));
  stills.finish("");
  ASSERT_EQ(shelf.tracks.size(), 3u);
  EXPECT_EQ(shelf.tracks[0].width, 180u);
  EXPECT_EQ(shelf.tracks[0].height, 320u);
  EXPECT_EQ(shelf.tracks[1].width, 64u);
  EXPECT_EQ(shelf.tracks[1].height, 36u);
  EXPECT_EQ(shelf.tracks[2].width, 320u);
  EXPECT_EQ(shelf.tracks[2].height, 180u);
  EXPECT_EQ(shelf.ends, (std::vector<std::string>{"", "", ""}));
}

// One JPEG's worth is lost, not the session's: the encoder begins anew with the next segment, and it is told.
TEST(Stills, AnEncoderThatFailsIsToldOnceAndStartedAgain) {
  Shelf shelf;
  int made = 0, broken = 3;
  Stills stills(shelf.sink(), [&] {
    const char* const how = made++ < broken ? "jpegenc ! identity error-after=1" : "jpegenc";
    GstElement* const bin = gst_parse_bin_from_description(how, TRUE, nullptr);
    return Ref<GstElement>::adopt(GST_ELEMENT(gst_object_ref_sink(bin)));
  });
  const GstVideoInfo info = info_of(64, 36);
  std::vector<std::string> told;
  int64_t segment = 0;
  const auto take_until = [&](const std::function<bool()>& done) {
    return test::eventually([&] {
      const auto taken = stills.take(green(info).get(), info, segment++ * 2 * kSecond);
      if (!taken) told.push_back(taken.error().message);
      return done();
    });
  };
  const auto pictures = [&] {
    std::lock_guard lock(shelf.mutex);
    return shelf.pictures.size();
  };
  ASSERT_TRUE(take_until([&] { return pictures() > 0; }));
  EXPECT_EQ(made, broken + 1);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0], "");
  // What came out takes it back: of the next failure it is told again.
  stills.finish("");
  broken = made + 1;
  ASSERT_TRUE(take_until([&, before = pictures()] { return made > broken && pictures() > before; }));
  EXPECT_EQ(told.size(), 2u);
  stills.finish("stopped");
  EXPECT_EQ(shelf.ends.back(), "stopped");
  for (size_t i = 0; i + 1 < shelf.ends.size(); ++i) EXPECT_EQ(shelf.ends[i], "") << "the rendition goes on";
}

}  // namespace
}  // namespace headgate::abrhlssink

// SPDX-License-Identifier: LGPL-2.1-or-later
// Content: what of a frame counts, what looking may cost, and the element on real encoders' streams. How
// often it is right is tests/bench/content's question.
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <chrono>
#include <ctime>
#include <optional>
#include <thread>
#include <utility>

#include "healthprobe/watch/frame_size.h"
#include "healthprobe/watch/inspector.h"
#include "healthprobe/watch/watch.h"
#include "healthprobe_content_fixture.h"
#include "plugin_test.h"

namespace headgate::healthprobe {
namespace {

using namespace std::chrono_literals;
constexpr int64_t kMs = 1'000'000;

TEST(SaidBytes, LeavesOutWhatOnlyFillsUp) {
  const NalFormat h264{false, 4}, h265{true, 4};
  const auto nal = [](std::initializer_list<uint8_t> bytes) {
    std::vector<uint8_t> out{0, 0, 0, static_cast<uint8_t>(bytes.size())};
    out.insert(out.end(), bytes);
    return out;
  };
  std::vector<uint8_t> frame;
  for (const auto& one :
       {nal({0x09, 0xf0}), nal({0x06, 1, 2, 3}), nal({0x41, 1, 2}), nal({0x0c, 0xff, 0xff, 0xff, 0x80})})
    frame.insert(frame.end(), one.begin(), one.end());
  EXPECT_EQ(said_bytes(frame, h264), 3u);
  EXPECT_EQ(said_bytes(frame, std::nullopt), frame.size());
  frame = nal({35 << 1, 1, 0});
  for (const auto& one :
       {nal({39 << 1, 1, 5}), nal({1 << 1, 1, 7, 7}), nal({38 << 1, 1, 0xff}), nal({40 << 1, 1, 0})})
    frame.insert(frame.end(), one.begin(), one.end());
  EXPECT_EQ(said_bytes(frame, h265), 4u);
}

TEST(SaidBytes, OfWhatIsNoFrameIsAllOfIt) {
  const NalFormat format{false, 4};
  for (const std::vector<uint8_t>& wrong : {std::vector<uint8_t>{0, 0},
                                            {0, 0, 0, 0},
                                            {0, 0, 0, 9, 0x41},
                                            {0xff, 0xff, 0xff, 0xff, 0x41},
                                            {0, 0, 0, 1, 0x0c, 0, 0}})
    EXPECT_EQ(said_bytes(wrong, format), wrong.size());
  EXPECT_EQ(said_bytes({}, format), 0u);
}

TEST(Between, IsATenthOfTheLaterHalfSinceTheLastTime) {
  Between between;
  EXPECT_FALSE(between.take());
  for (uint32_t i = 0; i < 20; ++i) between.add(5);  // what rate control left behind a large key frame
  for (uint32_t i = 0; i < 20; ++i) between.add(100 + i * 7 % 20);
  EXPECT_EQ(between.take(), 102u);
  between.add(9000);
  EXPECT_EQ(between.take(), 9000u);
  for (size_t i = 0; i < 2 * Between::kMostFrames; ++i) between.add(i < Between::kMostFrames ? 5 : 7);
  EXPECT_EQ(between.take(), 5u);
}

int64_t now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

void work_for(int64_t ns) {
  const auto used = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
  };
  for (const int64_t begin = used(); used() - begin < ns;) {
  }
}

TEST(Inspector, KeepsItsBudget) {
  constexpr unsigned kBudget = 50;
  constexpr int64_t kCost = 2 * kMs;
  Inspector inspector;
  const auto cost = std::make_shared<Inspector::Cost>(Inspector::kFirstGuessNs);
  inspector.join(kBudget);
  const int64_t begin = now_ns();
  // A stream that always wants to be looked at.
  std::atomic<bool> running = false;
  while (now_ns() - begin < 1000 * kMs) {
    if (!running && inspector.due(*cost, INT64_MIN, now_ns(), 0)) {
      running = true;
      inspector.submit(cost, [&] {
        work_for(kCost);
        running = false;
      });
    }
    std::this_thread::yield();
  }
  while (running) std::this_thread::yield();
  const int64_t elapsed = now_ns() - begin;
  inspector.leave(kBudget);
  EXPECT_GT(inspector.samples(), 3u);
  EXPECT_LE(inspector.used_ns(), (elapsed + Inspector::kMostSavedNs) * kBudget / 1000 + 2 * kCost);
}

TEST(Inspector, MoreStreamsAreEachLookedAtLessOften) {
  Inspector inspector;
  const auto cost = std::make_shared<Inspector::Cost>(Inspector::kFirstGuessNs);
  inspector.join(100);
  const int64_t now = 1000 * 1000 * kMs;
  // 10 ms a sample, a tenth of a core: ten samples a second.
  EXPECT_TRUE(inspector.due(*cost, now - 2000 * kMs, now, 2000 * kMs));
  EXPECT_TRUE(inspector.due(*cost, now - 1999 * kMs, now, 2000 * kMs))
      << "key frames are not on the nanosecond";
  EXPECT_FALSE(inspector.due(*cost, now - 1000 * kMs, now, 2000 * kMs));
  for (int i = 0; i < 49; ++i) inspector.join(100);
  EXPECT_FALSE(inspector.due(*cost, now - 4900 * kMs, now, 2000 * kMs));
  EXPECT_TRUE(inspector.due(*cost, now - 5000 * kMs, now, 2000 * kMs));
  // Whose samples cost less has more of them.
  const Inspector::Cost half(Inspector::kFirstGuessNs / 2);
  EXPECT_TRUE(inspector.due(half, now - 2500 * kMs, now, 2000 * kMs));
  // The smallest budget counts, while its stream is there.
  inspector.join(10);
  EXPECT_FALSE(inspector.due(*cost, now - 6000 * kMs, now, 2000 * kMs));
  inspector.leave(10);
  EXPECT_TRUE(inspector.due(*cost, now - 5000 * kMs, now, 2000 * kMs));
  for (int i = 0; i < 50; ++i) inspector.leave(100);
  EXPECT_FALSE(inspector.due(*cost, INT64_MIN, now, 0)) << "nobody is here";
}

TEST(Inspector, DoesNotLetSamplesPileUp) {
  Inspector inspector;
  const auto cost = std::make_shared<Inspector::Cost>(Inspector::kFirstGuessNs);
  inspector.join(1000);
  std::atomic<bool> go = false;
  for (size_t i = 0; i <= Inspector::kMostWaiting; ++i)
    inspector.submit(cost, [&] {
      while (!go) std::this_thread::yield();
    });
  EXPECT_FALSE(inspector.due(*cost, INT64_MIN, 0, 0));
  go = true;
  inspector.leave(1000);
}

// A stream may go while it is looked at, and come again.
TEST(Inspector, EndsWithItsLastStreamAndBeginsAnew) {
  Inspector inspector;
  const auto cost = std::make_shared<Inspector::Cost>(Inspector::kFirstGuessNs);
  for (int i = 0; i < 20; ++i) {
    inspector.join(1000);
    std::atomic<bool> done = false;
    inspector.submit(cost, [&] { done = true; });
    if (i % 2)
      while (!done) std::this_thread::yield();
    inspector.leave(1000);
  }
  // By its own thread, as when it holds the last reference to an element.
  inspector.join(1000);
  std::atomic<bool> left = false;
  inspector.submit(cost, [&] {
    inspector.leave(1000);
    left = true;
  });
  while (!left) std::this_thread::yield();
  inspector.join(1000);
  std::atomic<bool> done = false;
  inspector.submit(cost, [&] { done = true; });
  while (!done) std::this_thread::yield();
  inspector.leave(1000);
}

TEST_F(Content, ABlackPictureIsTold) {
  const auto stream = run(picture("black"), [](const GstStructure* one) { return is(one, "black"); });
  EXPECT_TRUE(is(stream.get(), "black"));
  EXPECT_FALSE(is(stream.get(), "covered"));
  EXPECT_EQ(number(stream.get(), "undecodable"), 0u);
}

TEST_F(Content, APictureThatMovesIsNothing) {
  bool ever = false;
  const auto stream = run(picture("smpte ! timeoverlay"), [&](const GstStructure* one) {
    for (const char* name : {"black", "frozen", "covered"}) ever |= is(one, name);
    return number(one, "samples") >= 6;
  });
  EXPECT_FALSE(ever);
  EXPECT_GE(number(stream.get(), "samples"), 6u);
}

// Whoever takes the bus' messages where they are posted knows for whom the thread is at work.
TEST_F(Content, TheThreadTellsWhenItWorksForAStream) {
  GError* error = nullptr;
  const auto pipeline = gst::Ref<GstElement>::adopt(gst_parse_launch(
      (picture("smpte ! timeoverlay") +
       " ! healthprobe name=p content-interval=100000000 content-budget=1000 ! fakesink sync=true")
          .c_str(),
      &error));
  ASSERT_FALSE(error) << error->message;
  struct Told {
    std::atomic<int> begun = 0, ended = 0, wrong = 0;
  } told;
  const auto bus = gst::Ref<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
  gst_bus_set_sync_handler(
      bus.get(),
      [](GstBus*, GstMessage* message, gpointer data) {
        auto& counts = *static_cast<Told*>(data);
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_STREAM_STATUS &&
            std::string(GST_OBJECT_NAME(GST_MESSAGE_SRC(message))) == "p") {
          GstStreamStatusType type = GST_STREAM_STATUS_TYPE_CREATE;
          gst_message_parse_stream_status(message, &type, nullptr);
          char name[16] = {};
          pthread_getname_np(pthread_self(), name, sizeof name);
          const bool begins = type == GST_STREAM_STATUS_TYPE_ENTER;
          counts.wrong += std::string(name) != "content" || counts.begun - counts.ended != (begins ? 0 : 1);
          ++(begins ? counts.begun : counts.ended);
        }
        gst_message_unref(message);
        return GST_BUS_DROP;
      },
      &told, nullptr);
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  EXPECT_TRUE(test::eventually([&] { return told.ended >= 3; }));
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  EXPECT_EQ(told.wrong, 0);
}

// As in a node: a source's streams, and with them the probe's pads, come while it plays.
TEST_F(Content, AStreamThatComesLaterIsLookedAt) {
  const auto stream =
      run("videotestsrc num-buffers=1500 pattern=black ! video/x-raw,width=320,height=240,framerate=25/1 ! "
          "x264enc tune=zerolatency speed-preset=veryfast key-int-max=5 ! mpegtsmux ! tsdemux",
          [](const GstStructure* one) { return is(one, "black"); });
  EXPECT_TRUE(is(stream.get(), "black"));
}

TEST_F(Content, AStandingPictureIsFrozen) {
  EXPECT_TRUE(is(run(picture("checkers-8"), [](const GstStructure* one) { return is(one, "frozen"); }).get(),
                 "frozen"));
}

TEST_F(Content, ASmoothPictureIsCovered) {
  EXPECT_TRUE(is(run(picture("solid-color foreground-color=0xff806040"),
                     [](const GstStructure* one) { return is(one, "covered"); })
                     .get(),
                 "covered"));
}

TEST_F(Content, SilenceIsTold) {
  EXPECT_TRUE(is(run(sound("wave=silence"), [](const GstStructure* one) { return is(one, "silent"); }).get(),
                 "silent"));
}

TEST_F(Content, ClippedSoundIsTold) {
  EXPECT_TRUE(is(run(sound("volume=1.0 ! audioamplify amplification=4"),
                     [](const GstStructure* one) { return is(one, "clipped"); })
                     .get(),
                 "clipped"));
}

TEST_F(Content, AToneIsNothing) {
  bool ever = false;
  const auto stream = run(sound("volume=0.3"), [&](const GstStructure* one) {
    for (const char* name : {"silent", "clipped"}) ever |= is(one, name);
    return number(one, "samples") >= 4;
  });
  EXPECT_FALSE(ever);
  EXPECT_GE(number(stream.get(), "samples"), 4u);
}

// A JPEG's picture, as somebody else decodes it.
struct Decoded {
  int width = 0, height = 0;
  std::array<int, 3> middle{};  // R, G, B of the pixel in the middle
};

std::optional<Decoded> decode_jpeg(GBytes* jpeg) {
  GError* error = nullptr;
  const auto pipeline = gst::Ref<GstElement>::adopt(gst_parse_launch(
      "appsrc name=in ! jpegdec ! videoconvert ! video/x-raw,format=RGB ! appsink name=out", &error));
  EXPECT_FALSE(error) << error->message;
  const auto in = gst::Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "in"));
  const auto out = gst::Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  GstFlowReturn flow = GST_FLOW_OK;
  const auto buffer = gst::Ref<GstBuffer>::adopt(gst_buffer_new_wrapped_bytes(jpeg));
  const auto caps = gst::Ref<GstCaps>::adopt(gst_caps_from_string("image/jpeg,framerate=1/1"));
  g_object_set(in.get(), "caps", caps.get(), nullptr);
  g_signal_emit_by_name(in.get(), "push-buffer", buffer.get(), &flow);
  g_signal_emit_by_name(in.get(), "end-of-stream", &flow);
  GstSample* sample = nullptr;
  g_signal_emit_by_name(out.get(), "pull-sample", &sample);
  std::optional<Decoded> found;
  if (sample) {
    const GstStructure* structure = gst_caps_get_structure(gst_sample_get_caps(sample), 0);
    found.emplace();
    gst_structure_get_int(structure, "width", &found->width);
    gst_structure_get_int(structure, "height", &found->height);
    GstMapInfo map;
    if (gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ)) {
      const int stride = GST_ROUND_UP_4(found->width * 3);
      const uint8_t* pixel = map.data + stride * (found->height / 2) + found->width / 2 * 3;
      found->middle = {pixel[0], pixel[1], pixel[2]};
      gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
    }
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return found;
}

// What is posted of a stream whose pictures are one colour: the one that is wanted, and of the others
// nothing.
class Wanted : public testing::Test {
 protected:
  void play(const std::string& caps, const std::string& settings) {
    pipeline_ = gst::Ref<GstElement>::adopt(gst_parse_launch(
        ("videotestsrc is-live=true pattern=solid-color foreground-color=0xffc04020 ! "
         "video/x-raw,format=RGB,framerate=25/1 ! videoconvert ! video/x-raw,format=I420," +
         caps +
         " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=5 ! h264parse ! "
         "video/x-h264,stream-format=avc,alignment=au ! healthprobe name=p interval=100000000 " +
         settings + " ! fakesink")
            .c_str(),
        nullptr));
    ASSERT_TRUE(pipeline_);
    probe_ = gst::Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "p"));
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
    ASSERT_TRUE(listen([](const GstStructure* told) { return key_frames(told) > 0; }));
  }
  ~Wanted() override {
    if (pipeline_) gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  }
  void want() { g_signal_emit_by_name(probe_.get(), "want-picture"); }
  // Until `enough` says so of a message; false: it never did.
  bool listen(const std::function<bool(const GstStructure*)>& enough) {
    const auto bus = gst::Ref<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
    for (;;) {
      const auto message = gst::Ref<GstMessage>::adopt(
          gst_bus_timed_pop_filtered(bus.get(), 60 * GST_SECOND, GST_MESSAGE_ELEMENT));
      if (!message) return false;
      if (enough(gst_message_get_structure(message.get()))) return true;
    }
  }
  std::optional<Decoded> picture() {
    std::optional<Decoded> found;
    listen([&](const GstStructure* told) {
      if (!gst_structure_has_name(told, "headgate-picture")) return false;
      EXPECT_STREQ(gst_structure_get_string(told, "pad"), "sink_0");
      GBytes* jpeg = nullptr;
      gst_structure_get(told, "jpeg", G_TYPE_BYTES, &jpeg, nullptr);
      if (jpeg) found = decode_jpeg(jpeg);
      if (jpeg) g_bytes_unref(jpeg);
      return true;
    });
    return found;
  }
  // Key frames that have passed, of the first stream.
  static uint64_t key_frames(const GstStructure* health) {
    if (!gst_structure_has_name(health, "headgate-health")) return 0;
    const GValue* streams = gst_structure_get_value(health, "streams");
    if (gst_value_array_get_size(streams) == 0) return 0;
    guint64 count = 0;
    gst_structure_get_uint64(
        static_cast<const GstStructure*>(g_value_get_boxed(gst_value_array_get_value(streams, 0))),
        "key-frames", &count);
    return count;
  }
  // That many more have passed, and no picture came.
  void passes_without(uint64_t more) {
    uint64_t first = 0;
    bool pictured = false;
    EXPECT_TRUE(listen([&](const GstStructure* told) {
      pictured |= gst_structure_has_name(told, "headgate-picture") != FALSE;
      const uint64_t count = key_frames(told);
      if (first == 0) first = count;
      return count >= first + more;
    }));
    EXPECT_FALSE(pictured);
  }
  gst::Ref<GstElement> pipeline_, probe_;
};

void expect_colour(const Decoded& picture) {
  EXPECT_NEAR(picture.middle[0], 0xc0, 6);
  EXPECT_NEAR(picture.middle[1], 0x40, 6);
  EXPECT_NEAR(picture.middle[2], 0x20, 6);
}

TEST_F(Wanted, APictureComesOnceForEachTimeAndNoneBefore) {
  play("width=640,height=360,colorimetry=bt601", "");
  passes_without(3);
  want();
  const auto first = picture();
  ASSERT_TRUE(first);
  EXPECT_EQ(std::pair(first->width, first->height), std::pair(320, 180));
  expect_colour(*first);
  passes_without(3);
  want();
  EXPECT_TRUE(picture());
}

TEST_F(Wanted, ItIsAsThePictureIsSeen) {
  play("width=360,height=576,pixel-aspect-ratio=2/1,colorimetry=bt709", "");  // 720x576
  want();
  const auto seen = picture();
  ASSERT_TRUE(seen);
  EXPECT_EQ(std::pair(seen->width, seen->height), std::pair(320, 256));
  expect_colour(*seen);
}

TEST_F(Wanted, ASmallPictureOfFullRangeStaysAsLarge) {
  play("width=128,height=96,colorimetry=1:4:0:0", "");
  want();
  const auto seen = picture();
  ASSERT_TRUE(seen);
  EXPECT_EQ(std::pair(seen->width, seen->height), std::pair(128, 96));
  expect_colour(*seen);
}

TEST_F(Wanted, WhoMayNotHaveItDoesNot) {
  play("width=320,height=180,colorimetry=bt601", "pictures=false");
  passes_without(1);
  want();
  passes_without(3);
}

// Of a picture that is looked at anyway, the one that is decoded for it is taken.
TEST(WantedOfWatch, NothingIsDecodedTwice) {
  GError* error = nullptr;
  const auto pipeline = gst::Ref<GstElement>::adopt(gst_parse_launch(
      "videotestsrc num-buffers=1 ! video/x-raw,width=320,height=180 ! x264enc tune=zerolatency ! "
      "h264parse ! video/x-h264,stream-format=avc,alignment=au ! appsink name=out",
      &error));
  ASSERT_FALSE(error) << error->message;
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  const auto out = gst::Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  GstSample* sample = nullptr;
  g_signal_emit_by_name(out.get(), "pull-sample", &sample);
  ASSERT_TRUE(sample);
  std::atomic<int> pictures = 0;
  const auto watch = std::make_shared<Watch>(
      ContentSettings{kMs, 1000}, Watch::Events{[] {}, [&](ByteVector jpeg) { pictures += !jpeg.empty(); }});
  watch->set_caps(gst_sample_get_caps(sample));
  const Inspector& inspector = Inspector::of_process();
  const uint64_t before = inspector.samples();
  watch->want_picture();
  watch->saw(gst_sample_get_buffer(sample), true, 1000 * kMs);
  while (inspector.samples() == before) std::this_thread::yield();
  EXPECT_EQ(pictures, 1);
  const gst::StructurePtr told(gst_structure_new_empty("stream"));
  watch->describe(told.get(), 1000 * kMs);
  guint64 looked_at = 0;
  gst_structure_get_uint64(told.get(), "samples", &looked_at);
  EXPECT_EQ(looked_at, 1u);
  EXPECT_EQ(inspector.samples(), before + 1);
  // Nobody wants another one.
  watch->saw(gst_sample_get_buffer(sample), true, 3000 * kMs);
  while (inspector.samples() == before + 1) std::this_thread::yield();
  EXPECT_EQ(pictures, 1);
  gst_sample_unref(sample);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
}

// Of a codec that nobody here decodes there are no samples, and no condition.
TEST_F(Content, WhatCannotBeDecodedIsNotLookedAt) {
  const auto stream = run("videotestsrc num-buffers=25 ! jpegenc", [](const GstStructure*) { return false; });
  EXPECT_EQ(number(stream.get(), "samples"), 0u);
  EXPECT_FALSE(gst_structure_has_field(stream.get(), "black"));
}

}  // namespace
}  // namespace headgate::healthprobe

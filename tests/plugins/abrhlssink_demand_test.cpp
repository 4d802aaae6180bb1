// SPDX-License-Identifier: LGPL-2.1-or-later
// A ladder that has no frames but those in the archive's files, and nothing to do before somebody asks.
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "breaking_encoder.h"
#include "told_records.h"

namespace headgate::test {
namespace {

using playlist::RenditionState;

// Names of this process' threads that have to do with ladders, and how nice they are.
std::multiset<std::string> ladder_threads(std::set<int>* niceness = nullptr) {
  std::multiset<std::string> names;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name.rfind("hg-ladder", 0) != 0) continue;
    names.insert(name);
    if (niceness)
      niceness->insert(::getpriority(PRIO_PROCESS, static_cast<id_t>(std::stoi(task.path().filename()))));
  }
  return names;
}

class AbrDemand : public ::testing::Test {
 protected:
  // `source`: a stream of pictures in segments of two seconds.
  std::string line(const std::string& more, const std::string& source) const {
    return "segmentarchiver name=archive segment-duration=2000000000 root=" + scratch_.path() +
           " abrhlssink name=hls rungs=144p@120k,90p@80k on-demand=true segment-duration=2000000000 root=" +
           scratch_.path() + " " + more + " archive.src ! hls.records " + source +
           " ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 ! x264enc tune=zerolatency "
           "speed-preset=ultrafast key-int-max=50 ! h264parse ! archive.video "
           "audiotestsrc is-live=true samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=2 ! avenc_aac "
           "! "
           "aacparse ! archive.audio_0";
  }
  static void ask(Pipeline& pipeline, const char* rendition) {
    g_signal_emit_by_name(pipeline.element("hls").get(), "want-rendition", rendition);
  }
  // With each the ladder is announced anew.
  static void write_short_files(Pipeline& pipeline) {
    g_object_set(pipeline.element("archive").get(), "file-duration", guint64{GST_SECOND}, nullptr);
  }
  static std::vector<playlist::SegmentRecord> segments(Pipeline& pipeline, const std::string& rendition) {
    return only<playlist::SegmentRecord>(records_of(pipeline, rendition));
  }
  static RenditionState state(Pipeline& pipeline, const std::string& rendition) {
    const auto told = only<playlist::RenditionRecord>(records_of(pipeline, rendition));
    return told.empty() ? RenditionState::paused : told.back().state;
  }
  ScratchDirectory scratch_;
};

TEST_F(AbrDemand, WhatIsOnOfferIsToldAndHasNoThreads) {
  Pipeline pipeline(line("", "videotestsrc is-live=true"));
  pipeline.play();
  ASSERT_TRUE(eventually([&] { return !segments(pipeline, "").empty(); }));
  for (const char* name : {"144p", "90p"}) {
    const auto told = only<playlist::RenditionRecord>(records_of(pipeline, name));
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].state, RenditionState::idle);
    EXPECT_TRUE(told[0].on_demand);
    EXPECT_EQ(told[0].height, std::string(name) == "144p" ? 144u : 90u);
    EXPECT_EQ(told[0].frame_rate_milli, 25'000u);
    EXPECT_EQ(told[0].codecs.rfind("avc1.6400", 0), 0u) << told[0].codecs;
  }
  EXPECT_TRUE(ladder_threads().empty());
  EXPECT_FALSE(std::filesystem::exists(scratch_.path() + "/derived"));
  pipeline.stop();
}

TEST_F(AbrDemand, SoundIsAskedForAsPicturesAre) {
  Pipeline pipeline(
      line("rungs=144p@120k,audio@32k,audio@48k idle-timeout=4000000000", "videotestsrc is-live=true"));
  pipeline.play();
  ASSERT_TRUE(eventually([&] { return segments(pipeline, "").size() >= 2; }));
  const auto told = only<playlist::RenditionRecord>(records_of(pipeline, "audio-32k"));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].state, RenditionState::idle);
  EXPECT_TRUE(told[0].on_demand);
  EXPECT_EQ(told[0].width, 0u);
  EXPECT_EQ(told[0].channels, 2u);
  EXPECT_GT(told[0].average_bandwidth, 32'000u) << "boxes are counted, too";
  for (int round = 0; round < 2; ++round) {
    const size_t before = segments(pipeline, "audio-32k").size();
    ASSERT_TRUE(eventually([&] {
      ask(pipeline, "audio-32k");
      return segments(pipeline, "audio-32k").size() >= before + 2;
    }));
    EXPECT_EQ(state(pipeline, "audio-32k"), RenditionState::running);
    // It is listed with that before there is any of it, and keeps it.
    uint64_t bits = 0, ticks = 0;
    for (const playlist::SegmentRecord& one : segments(pipeline, "audio-32k")) {
      if (one.duration < playlist::kTimescale) continue;
      const auto lasts = static_cast<uint64_t>(one.duration);
      bits += one.length * 8 * playlist::kTimescale;
      ticks += lasts;
      EXPECT_LE(one.length * 8 * playlist::kTimescale, told[0].bandwidth * lasts);
    }
    EXPECT_LE(bits * 10, told[0].average_bandwidth * ticks * 11) << "of an average there is a tenth of room";
    // Nobody asks again: nothing is left of it.
    EXPECT_TRUE(eventually([&] { return state(pipeline, "audio-32k") == RenditionState::idle; }));
    EXPECT_TRUE(eventually([&] { return ladder_threads().empty(); })) << "threads are left";
  }
  EXPECT_TRUE(segments(pipeline, "144p").empty());
  EXPECT_TRUE(segments(pipeline, "audio-48k").empty());
  EXPECT_EQ(state(pipeline, "144p"), RenditionState::idle);
  // The rung may be first with its last one.
  const auto sound = segments(pipeline, "audio-32k");
  ASSERT_TRUE(eventually([&] { return segments(pipeline, "").back().msn >= sound.back().msn; }));
  const auto source = segments(pipeline, "");
  for (const auto& one : sound) {
    const auto same =
        std::find_if(source.begin(), source.end(), [&](const auto& other) { return other.msn == one.msn; });
    ASSERT_NE(same, source.end());
    EXPECT_NEAR(static_cast<double>(one.pts), static_cast<double>(same->pts), 90 * 25.0);
  }
  pipeline.stop();
}

// Nobody waits for a key frame: what was archived just before is encoded first.
TEST_F(AbrDemand, ARungBeginsWithASegmentThatIsThereAndStopsWhenNobodyAsks) {
  Pipeline pipeline(line("idle-timeout=4000000000", "videotestsrc is-live=true"));
  pipeline.play();
  ASSERT_TRUE(eventually([&] { return segments(pipeline, "").size() >= 2; }));
  const uint64_t newest = segments(pipeline, "").back().msn;
  ASSERT_TRUE(eventually([&] {
    ask(pipeline, "144p");
    return segments(pipeline, "144p").size() >= 2;
  }));
  std::set<int> niceness;
  EXPECT_FALSE(ladder_threads(&niceness).empty());
  EXPECT_EQ(niceness, std::set<int>{10});
  const auto rung = segments(pipeline, "144p");
  EXPECT_LE(rung.front().msn, newest);
  const auto source = segments(pipeline, "");
  for (const auto& one : rung) {
    const auto same =
        std::find_if(source.begin(), source.end(), [&](const auto& other) { return other.msn == one.msn; });
    ASSERT_NE(same, source.end());
    EXPECT_EQ(one.pts, same->pts);
    EXPECT_EQ(one.utc_us, same->utc_us);
    EXPECT_NEAR(static_cast<double>(one.duration), static_cast<double>(same->duration), 90.0);
    EXPECT_TRUE(one.independent);
  }
  EXPECT_TRUE(segments(pipeline, "90p").empty());
  // Nobody asks again.
  ASSERT_TRUE(pipeline.wait(Pipeline::is_element("headgate-ladder", "state", "stopped")));
  EXPECT_TRUE(eventually([&] { return ladder_threads().empty(); })) << "threads are left";
  EXPECT_EQ(state(pipeline, "144p"), RenditionState::idle);
  // And once more, of both.
  const uint64_t last = segments(pipeline, "144p").back().msn;
  ASSERT_TRUE(eventually([&] {
    ask(pipeline, "144p");
    ask(pipeline, "90p");
    return segments(pipeline, "144p").back().msn > last && !segments(pipeline, "90p").empty();
  }));
  std::set<uint64_t> numbers;
  for (const auto& one : segments(pipeline, "144p")) EXPECT_TRUE(numbers.insert(one.msn).second) << one.msn;
  pipeline.stop();
  EXPECT_TRUE(ladder_threads().empty());
}

// As seen: 427x180.
TEST_F(AbrDemand, WhatIsKnownOfTheSourcesPixelsIsNotForgotten) {
  Pipeline pipeline(
      line("", "videotestsrc is-live=true ! capsfilter caps=video/x-raw,pixel-aspect-ratio=4/3"));
  write_short_files(pipeline);
  pipeline.play();
  ASSERT_TRUE(eventually([&] {
    ask(pipeline, "144p");
    return state(pipeline, "144p") == RenditionState::running;
  }));
  EXPECT_TRUE(eventually([&] {
    const auto told = only<playlist::RenditionRecord>(records_of(pipeline, "90p"));
    return !told.empty() && told.back().width == 214 && told.back().state == RenditionState::idle;
  }));
  pipeline.stop();
}

// The largest rung runs, and falls behind until it gives way; from then on its encoder is as good as before.
class AbrDemandPaused : public AbrDemand {
 protected:
  void SetUp() override { BreakingEncoder::use(0, BreakingEncoder::Hang::blocks); }
  void TearDown() override {
    BreakingEncoder::let_go();
    BreakingEncoder::forget();
  }
  std::string slow_line(const std::string& more) const {
    return line("encoder=nvh264enc encoder-timeout=60000000000 " + more, "videotestsrc is-live=true");
  }
  static testing::AssertionResult grows(Pipeline& pipeline, const std::string& rendition) {
    const size_t before = segments(pipeline, rendition).size();
    const bool grown = eventually([&] {
      ask(pipeline, "144p");
      return segments(pipeline, rendition).size() > before;
    });
    return grown ? testing::AssertionSuccess() : testing::AssertionFailure() << rendition << " stands still";
  }
  static void pause(Pipeline& pipeline) {
    BreakingEncoder::let_go();
    write_short_files(pipeline);
    pipeline.play();
    ASSERT_TRUE(grows(pipeline, ""));
    ASSERT_TRUE(grows(pipeline, "144p"));
    // It says nothing for a while, and is passed over: then it is waited for again.
    BreakingEncoder::hold(BreakingEncoder::Hang::blocks);
    ASSERT_TRUE(grows(pipeline, ""));
    BreakingEncoder::let_go();
    ASSERT_TRUE(grows(pipeline, "144p"));
    BreakingEncoder::hold(BreakingEncoder::Hang::slows);
    ASSERT_TRUE(eventually([&] {
      ask(pipeline, "144p");
      return state(pipeline, "144p") == RenditionState::paused;
    }));
    BreakingEncoder::let_go();
    EXPECT_EQ(pipeline.count(Pipeline::is_element("headgate-ladder", "state", "failed")), 0);
  }
};

TEST_F(AbrDemandPaused, ComesBackWhileSomebodyAsks) {
  Pipeline pipeline(slow_line(""));
  ASSERT_NO_FATAL_FAILURE(pause(pipeline));
  ASSERT_TRUE(eventually([] { return ladder_threads().empty(); })) << "the only rung that is wanted rests";
  // The source's new files do not make it idle: there is no room for it.
  EXPECT_TRUE(grows(pipeline, ""));
  EXPECT_TRUE(grows(pipeline, ""));
  EXPECT_EQ(state(pipeline, "144p"), RenditionState::paused);
  // On a machine that is out of processors four times as late.
  EXPECT_TRUE(eventually(
      [&] {
        ask(pipeline, "144p");
        return state(pipeline, "144p") == RenditionState::running;
      },
      3 * kPatienceMs));
  EXPECT_TRUE(grows(pipeline, "144p"));
  pipeline.stop();
}

TEST_F(AbrDemandPaused, IsIdleWhenNobodyAsksAndThenAsBefore) {
  Pipeline pipeline(slow_line("idle-timeout=3000000000"));
  ASSERT_NO_FATAL_FAILURE(pause(pipeline));
  EXPECT_TRUE(pipeline.wait(Pipeline::is_element("headgate-ladder", "state", "stopped")));
  EXPECT_TRUE(eventually([&] { return state(pipeline, "144p") == RenditionState::idle; }));
  ask(pipeline, "144p");  // once: it waits for nothing
  EXPECT_TRUE(eventually([&] { return state(pipeline, "144p") == RenditionState::running; }));
  pipeline.stop();
}

TEST_F(AbrDemand, ARungHasTheStreamsEnd) {
  Pipeline pipeline(line("", "videotestsrc is-live=true"));
  pipeline.play();
  ASSERT_TRUE(eventually([&] { return !segments(pipeline, "").empty(); }));
  ask(pipeline, "90p");
  ASSERT_TRUE(eventually([&] { return state(pipeline, "90p") == RenditionState::running; }));
  ASSERT_TRUE(eventually([&] { return segments(pipeline, "").size() >= 3; }));
  gst_element_send_event(pipeline.get(), gst_event_new_eos());
  ASSERT_TRUE(pipeline.wait_eos());
  const auto source = segments(pipeline, ""), rung = segments(pipeline, "90p");
  ASSERT_FALSE(rung.empty());
  EXPECT_EQ(rung.back().msn, source.back().msn);
  EXPECT_EQ(rung.back().duration, source.back().duration);
  pipeline.stop();
}

TEST_F(AbrDemand, FilesThatAreGoneAreToldOnceAndTheSourceGoesOn) {
  Pipeline pipeline(line("", "videotestsrc is-live=true"));
  pipeline.play();
  ASSERT_TRUE(eventually([&] { return !segments(pipeline, "").empty(); }));
  std::filesystem::rename(scratch_.path() + "/lta", scratch_.path() + "/elsewhere");
  ask(pipeline, "90p");
  const auto message = pipeline.wait(Pipeline::is_element("headgate-ladder", "state", "failed"));
  ASSERT_TRUE(message);
  EXPECT_NE(text_field(message.get(), "reason").find("cannot be read"), std::string::npos);
  const size_t before = segments(pipeline, "").size();
  EXPECT_TRUE(eventually([&] { return segments(pipeline, "").size() > before; }));
  EXPECT_EQ(pipeline.count(Pipeline::is_element("headgate-ladder", "state", "failed")), 1);
  pipeline.stop();
}

}  // namespace
}  // namespace headgate::test

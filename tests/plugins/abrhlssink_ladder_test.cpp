// SPDX-License-Identifier: LGPL-2.1-or-later
// A ladder in a folder, as independent programs read it.
#include <fcntl.h>
#include <sys/file.h>

#include <filesystem>
#include <regex>

#include <base/unique_fd.h>

#include "breaking_encoder.h"
#include "ladder_fixture.h"

namespace headgate::test {
namespace {

TEST_F(AbrLadder, RungsFollowTheSource) {
  make("720p@2000k,240p@300k,144p@120k,audio@48k");
  EXPECT_EQ(dropped_, 1);  // larger than the source
  const std::string index = playlist("index");
  EXPECT_EQ(index.find("720p"), std::string::npos);
  EXPECT_EQ(packets("media"), 250u);
  const auto expected = durations(playlist("media"));
  ASSERT_EQ(expected.size(), 5u);
  const auto source_keys = keys("media");
  for (const std::string name : {"240p", "144p"}) {
    EXPECT_EQ(durations(playlist(name)), expected) << name;
    EXPECT_NE(playlist(name).find("#EXT-X-ENDLIST"), std::string::npos) << name;
    EXPECT_EQ(packets(name), 250u) << name;
    EXPECT_EQ(keys(name), source_keys) << name;
  }
  for (const std::string name : {"audio", "audio-48k"}) {
    EXPECT_EQ(durations(playlist(name)).size(), expected.size()) << name;
    EXPECT_GT(packets(name), 460u) << name;
  }
  EXPECT_EQ(complaints(), "");
}

TEST_F(AbrLadder, SizesColoursAndCodecsAreTrue) {
  make("240p@300k,144p@120k,audio@48k");
  const std::string what =
      "-select_streams v -show_entries "
      "stream=width,height,pix_fmt,color_range,color_space,color_transfer,color_primaries,r_frame_rate";
  const auto first = [](const std::string& text) { return text.substr(0, text.find('\n')); };
  EXPECT_EQ(first(probe("240p", what)), "426,240,yuv420p,tv,bt709,bt709,bt709,25/1");
  EXPECT_EQ(first(probe("144p", what)), "256,144,yuv420p,tv,bt709,bt709,bt709,25/1");
  for (const std::string name : {"media", "240p", "144p"}) {
    const std::string stream = variant(name);
    ASSERT_FALSE(stream.empty()) << name;
    EXPECT_NE(stream.find("AUDIO=\"audio\""), std::string::npos) << stream;
    EXPECT_NE(stream.find("mp4a.40.2"), std::string::npos) << stream;
    std::smatch codec;
    ASSERT_TRUE(std::regex_search(stream, codec, std::regex("avc1\\.([0-9a-f]{2})[0-9a-f]{2}([0-9a-f]{2})")));
    const std::string level = first(probe(name, "-select_streams v -show_entries stream=level"));
    EXPECT_EQ(std::stoi(codec[2], nullptr, 16), std::stoi(level)) << stream;
    const std::string profile = first(probe(name, "-select_streams v -show_entries stream=profile"));
    const int idc = std::stoi(codec[1], nullptr, 16);
    EXPECT_EQ(profile, idc == 100 ? "High" : idc == 77 ? "Main" : "Constrained Baseline") << stream;
  }
  EXPECT_NE(variant("240p").find("RESOLUTION=426x240"), std::string::npos);
  for (const std::string name : {"audio", "audio-48k"}) {
    const std::string stream = variant(name);
    ASSERT_FALSE(stream.empty()) << name;
    EXPECT_EQ(stream.find("RESOLUTION"), std::string::npos) << stream;
    EXPECT_NE(stream.find("CODECS=\"mp4a.40.2\""), std::string::npos) << stream;
  }
}

TEST_F(AbrLadder, OnlyActiveRungsAreEncoded) {
  make("240p@300k,144p@120k", "active-rungs=144p");
  EXPECT_TRUE(variant("240p").empty());
  EXPECT_FALSE(variant("144p").empty());
  EXPECT_EQ(packets("144p"), 250u);
}

// Over before its rung's run is open: who opens an event's first run waits for this lock, as for a slow disk.
TEST_F(AbrLadder, TheEndWaitsForTheRungsOfAShortStream) {
  const std::string held = path("derived/144p/lta/0");
  std::filesystem::create_directories(held);
  UniqueFd lock(::open(held.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  Pipeline pipeline(
      "abrhlssink name=hls playlist-length=0 encoder-threads=1 rungs=144p@120k,audio@48k location=" +
      scratch_.path() +
      " videotestsrc num-buffers=10 ! video/x-raw,width=320,height=180,framerate=25/1 ! x264enc "
      "speed-preset=ultrafast ! h264parse ! hls.video audiotestsrc num-buffers=18 "
      "samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! hls.audio_0");
  pipeline.play();
  // Their encoders are done.
  for (const char* name : {"media", "audio-48k"})
    ASSERT_TRUE(eventually([&] { return !playlist(name).empty(); })) << name;
  EXPECT_TRUE(playlist("144p").empty());
  lock.reset();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  for (const std::string name : {"media", "144p"}) EXPECT_EQ(packets(name), 10u) << name;
  for (const std::string name : {"144p", "audio", "audio-48k"}) {
    EXPECT_EQ(durations(playlist(name)).size(), 1u) << name;
    EXPECT_NE(playlist(name).find("#EXT-X-ENDLIST"), std::string::npos) << name;
    EXPECT_FALSE(variant(name).empty()) << name;
  }
}

TEST_F(AbrLadder, ARungStopsAndStartsWhileItRuns) {
  Pipeline pipeline(
      "abrhlssink name=hls playlist-length=0 rungs=144p@120k encoder-threads=1 segment-duration=1000000000 "
      "location=" +
      scratch_.path() +
      " videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=25/1 ! x264enc "
      "tune=zerolatency speed-preset=ultrafast key-int-max=25 ! h264parse ! hls.video");
  pipeline.play();
  const auto listed = [&] { return durations(playlist("144p")).size(); };
  ASSERT_TRUE(eventually([&] { return listed() >= 1; }));
  g_object_set(pipeline.element("hls").get(), "active-rungs", "none", nullptr);
  ASSERT_TRUE(pipeline.wait(Pipeline::is_element("headgate-ladder", "state", "stopped")));
  const size_t before = listed();
  g_object_set(pipeline.element("hls").get(), "active-rungs", "all", nullptr);
  ASSERT_TRUE(eventually([&] { return listed() > before + 1; }));
  pipeline.stop();
}

TEST_F(AbrLadder, BesideRecordsRungsHaveTheNumbersOfTheArchive) {
  Pipeline pipeline("segmentarchiver name=archive root=" + scratch_.path() +
                    " ! hls.records abrhlssink name=hls root=" + scratch_.path() +
                    " encoder-threads=1 rungs=144p@120k,audio@48k " + kVideo +
                    "tee name=video ! archive.video video. ! hls.video " + kAudio +
                    "tee name=audio ! archive.audio_0 audio. ! hls.audio_0");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  // Without a folder for playlists there is nothing to link the rungs' media from.
  EXPECT_EQ(pipeline.count(Pipeline::is_type(GST_MESSAGE_WARNING)), 0);
  const auto source = records_of(pipeline, "");
  const auto segments = only<playlist::SegmentRecord>(source);
  ASSERT_EQ(segments.size(), 5u);
  for (const std::string name : {"144p", "audio-48k"}) {
    const auto records = records_of(pipeline, name);
    const auto made = only<playlist::SegmentRecord>(records);
    ASSERT_EQ(made.size(), segments.size()) << name;
    for (size_t i = 0; i < made.size(); ++i) {
      EXPECT_EQ(made[i].msn, segments[i].msn) << name;
      EXPECT_NEAR(made[i].pts, segments[i].pts, name == "144p" ? 0 : 2048) << name << " " << i;
      EXPECT_EQ(made[i].file.rfind("derived/" + name + "/", 0), 0u) << made[i].file;
      EXPECT_TRUE(made[i].independent) << name << " " << i;
      EXPECT_FALSE(made[i].discontinuity) << name << " " << i;
    }
    EXPECT_TRUE(std::holds_alternative<playlist::EndRecord>(records.back())) << name;
  }
  const auto told = only<playlist::RenditionRecord>(records_of(pipeline, "144p"));
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().state, playlist::RenditionState::running);
  EXPECT_EQ(told.back().width, 256u);
  EXPECT_EQ(told.back().codecs, only<playlist::InitRecord>(records_of(pipeline, "144p")).at(0).codecs);
}

// In place of the stream's end, of which the elements then know nothing.
GstPadProbeReturn end_session_only(GstPad*, GstPadProbeInfo* info, gpointer) {
  GstEvent* const event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_EOS) return GST_PAD_PROBE_OK;
  gst_event_unref(event);
  GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_custom(
      GST_EVENT_CUSTOM_DOWNSTREAM,
      gst_structure_new("headgate-session-end", "reason", G_TYPE_STRING, "unpublish", nullptr));
  return GST_PAD_PROBE_OK;
}

void end_session_only(Pipeline& pipeline, const char* element) {
  const auto pad =
      gst::Ref<GstPad>::adopt(gst_element_get_static_pad(pipeline.element(element).get(), "src"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, &end_session_only, nullptr, nullptr);
}

// Nobody waits for the next session.
void expect_all_of_the_session(Pipeline& pipeline, const std::string& rung, double slack) {
  const auto has_ended = [&](const std::string& name) {
    return !only<playlist::EndRecord>(records_of(pipeline, name)).empty();
  };
  EXPECT_TRUE(eventually([&] { return has_ended("") && has_ended(rung); })) << rung;
  const auto source = only<playlist::SegmentRecord>(records_of(pipeline, ""));
  const auto made = only<playlist::SegmentRecord>(records_of(pipeline, rung));
  ASSERT_FALSE(source.empty());
  ASSERT_FALSE(made.empty()) << rung;
  EXPECT_EQ(made.back().msn, source.back().msn) << rung;
  EXPECT_NEAR(static_cast<double>(made.back().pts + made.back().duration),
              static_cast<double>(source.back().pts + source.back().duration), slack)
      << rung;
}

// They come all at once, and are less than waits in front of an encoder of sound before some is left out.
constexpr char kShortVideo[] =
    "videotestsrc num-buffers=32 ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 ! "
    "x264enc key-int-max=50 speed-preset=ultrafast ! h264parse ! identity name=v ! ";
constexpr char kShortAudio[] =
    "audiotestsrc num-buffers=60 samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! "
    "aacparse ! identity name=a ! ";

class EndedSession : public AbrLadder, public ::testing::WithParamInterface<bool> {};

// From encoded pads, and from what the archive's files have.
TEST_P(EndedSession, IsWhollyInTheRungs) {
  const bool pads = GetParam();
  Pipeline pipeline("segmentarchiver name=archive root=" + scratch_.path() +
                    " ! hls.records abrhlssink name=hls root=" + scratch_.path() +
                    " encoder-threads=1 rungs=144p@120k,audio@48k " + kShortVideo +
                    (pads ? "tee name=video ! archive.video video. ! hls.video " : "archive.video ") +
                    kShortAudio +
                    (pads ? "tee name=audio ! archive.audio_0 audio. ! hls.audio_0" : "archive.audio_0"));
  end_session_only(pipeline, "v");
  end_session_only(pipeline, "a");
  pipeline.play();
  expect_all_of_the_session(pipeline, "144p", 90);
  expect_all_of_the_session(pipeline, "audio-48k", 90 * 50);
  pipeline.stop();
}

INSTANTIATE_TEST_SUITE_P(Ways, EndedSession, ::testing::Values(true, false));

// concat does not say for those who have not begun whether they are live, and is taken for it then.
GstPadProbeReturn not_live(GstPad*, GstPadProbeInfo* info, gpointer) {
  GstQuery* const query = GST_PAD_PROBE_INFO_QUERY(info);
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY) return GST_PAD_PROBE_OK;
  gst_query_set_latency(query, FALSE, 0, GST_CLOCK_TIME_NONE);
  return GST_PAD_PROBE_HANDLED;
}

// Another sound, at 9 s, begins another file of the source with the next key frame: its segments are cut anew
// from there, an odd number of GOPs behind the one before. However busy the machine is: the source's tracks
// are as far apart as an archive that is not live lets them, which is less than to a key frame, and nothing
// of the source waits for the rung.
TEST_F(AbrLadder, BesideRecordsRungsGoOnWhereTheSourceIsCutAnew) {
  const auto sound = [](const std::string& buffers, const std::string& channels) {
    return "audiotestsrc num-buffers=" + buffers +
           " samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=" + channels +
           " ! avenc_aac ! aacparse ! sound. ";
  };
  const std::string segments = " segment-duration=4000000000 max-segment-duration=4000000000 ";
  Pipeline pipeline("segmentarchiver name=archive" + segments + "root=" + scratch_.path() +
                    " ! hls.records abrhlssink name=hls" + segments + "root=" + scratch_.path() +
                    " encoder-threads=1 rungs=144p@120k videotestsrc num-buffers=160 ! "
                    "video/x-raw,format=I420,width=320,height=180,framerate=10/1 ! x264enc key-int-max=20 "
                    "option-string=scenecut=0 speed-preset=ultrafast ! h264parse ! tee name=video ! "
                    "archive.video video. ! queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! "
                    "hls.video concat name=sound ! archive.audio_0 " +
                    sound("422", "2") + sound("328", "1"));
  const auto both =
      gst::Ref<GstPad>::adopt(gst_element_get_static_pad(pipeline.element("sound").get(), "src"));
  gst_pad_add_probe(both.get(), GST_PAD_PROBE_TYPE_QUERY_UPSTREAM, &not_live, nullptr, nullptr);
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  const auto source = only<playlist::SegmentRecord>(records_of(pipeline, ""));
  const auto made = only<playlist::SegmentRecord>(records_of(pipeline, "144p"));
  ASSERT_EQ(source.size(), 5u);  // from 0, 4, 8, then 10 and 14 s
  ASSERT_EQ(source[3].pts - source[2].pts, 2 * playlist::kTimescale);
  ASSERT_EQ(made.size(), source.size());
  for (size_t i = 0; i < made.size(); ++i) {
    EXPECT_EQ(made[i].msn, source[i].msn) << i;
    EXPECT_EQ(made[i].pts, source[i].pts) << i;
    EXPECT_TRUE(made[i].independent) << i;
  }
}

TEST_F(AbrLadder, BesideRecordsEachSegmentHasASmallPicture) {
  Pipeline pipeline("segmentarchiver name=archive root=" + scratch_.path() +
                    " ! hls.records abrhlssink name=hls root=" + scratch_.path() +
                    " encoder-threads=1 rungs=144p@120k " + kVideo +
                    "tee name=video ! archive.video video. ! hls.video " + kAudio + "archive.audio_0");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  const auto segments = only<playlist::SegmentRecord>(records_of(pipeline, ""));
  const auto records = records_of(pipeline, "pictures");
  const auto pictures = only<playlist::SegmentRecord>(records);
  ASSERT_EQ(segments.size(), 5u);
  ASSERT_EQ(pictures.size(), segments.size());
  for (size_t i = 0; i < pictures.size(); ++i) {
    EXPECT_EQ(pictures[i].msn, segments[i].msn);
    EXPECT_EQ(pictures[i].pts, segments[i].pts);
    EXPECT_EQ(pictures[i].file.rfind("derived/pictures/", 0), 0u) << pictures[i].file;
  }
  const auto inits = only<playlist::InitRecord>(records);
  ASSERT_EQ(inits.size(), 1u);
  EXPECT_EQ(inits[0].codecs, "mjpg");
  EXPECT_EQ(inits[0].height, 144u);
  EXPECT_EQ(
      output_of(
          "ffprobe -v error -count_packets -show_entries stream=codec_name,nb_read_packets -of csv=p=0 " +
          scratch_.path() + "/" + inits[0].file),
      "mjpeg,5\n");
}

TEST_F(AbrLadder, OnDemandARungIsListedAtOnceAndEncodedWhenAskedFor) {
  Pipeline pipeline(
      "abrhlssink name=hls playlist-length=0 on-demand=true idle-timeout=3000000000 rungs=144p@120k "
      "encoder-threads=1 segment-duration=1000000000 location=" +
      scratch_.path() +
      " videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 ! x264enc "
      "tune=zerolatency speed-preset=ultrafast key-int-max=25 ! h264parse ! hls.video");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait(Pipeline::is_element("headgate-ladder", "state", "idle")));
  const auto told = only<playlist::RenditionRecord>(records_of(pipeline, "144p"));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].state, playlist::RenditionState::idle);
  EXPECT_TRUE(told[0].on_demand);
  EXPECT_EQ(told[0].height, 144u);
  g_signal_emit_by_name(pipeline.element("hls").get(), "want-rendition", "144p");
  ASSERT_TRUE(eventually([&] { return !durations(playlist("144p")).empty(); }));
  EXPECT_TRUE(pipeline.wait([](GstMessage* message) {
    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_STREAM_STATUS) return false;
    GstStreamStatusType type = GST_STREAM_STATUS_TYPE_CREATE;
    gst_message_parse_stream_status(message, &type, nullptr);
    return type == GST_STREAM_STATUS_TYPE_ENTER && std::string(GST_MESSAGE_SRC_NAME(message)) == "hls";
  })) << "who decodes is not told";
  // Nobody asks again.
  EXPECT_TRUE(pipeline.wait(Pipeline::is_element("headgate-ladder", "state", "stopped")));
  pipeline.stop();
}

// An encoder that no machine keeps up with, behind a source that does not wait. (Without a lookahead: what is
// in it when it is stopped it still encodes.)
TEST_F(AbrLadder, WhatCannotBeKeptUpWithGivesWayFromTheTop) {
  Pipeline pipeline(
      "abrhlssink name=hls playlist-length=0 rungs=540p@800k,144p@120k encoder-threads=1 "
      "encoder-preset=placebo "
      "encoder-options=me=esa:merange=64:bframes=0:rc-lookahead=0:sync-lookahead=0 "
      "segment-duration=1000000000 location=" +
      scratch_.path() +
      " videotestsrc is-live=true pattern=snow ! "
      "video/x-raw,format=I420,width=1280,height=720,framerate=25/1 ! "
      "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! h264parse ! hls.video");
  pipeline.play();
  const auto message = pipeline.wait(Pipeline::is_element("headgate-ladder", "state", "paused"));
  ASSERT_TRUE(message);
  EXPECT_EQ(text_field(message.get(), "rendition"), "540p");
  const auto told = only<playlist::RenditionRecord>(records_of(pipeline, "540p"));
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().state, playlist::RenditionState::paused);
  // The source goes on.
  const size_t before = durations(playlist("media")).size();
  EXPECT_TRUE(eventually([&] { return durations(playlist("media")).size() > before; }));
  pipeline.stop();
}

TEST_F(AbrLadder, AnEncoderThatCannotBeHadIsToldAndTheSourceGoesOn) {
  make("240p@300k,audio@48k", "encoder=no-such-encoder");
  EXPECT_TRUE(variant("240p").empty());
  EXPECT_FALSE(variant("audio-48k").empty());
  EXPECT_EQ(packets("media"), 250u);
  EXPECT_EQ(failed_, 5);  // with each segment, and no more than kMaxEncoderFailures
}

TEST_F(AbrLadder, WithoutAnEncoderNothingIsDecodedForLong) {
  Pipeline pipeline(
      "abrhlssink name=hls playlist-length=0 encoder=no-such-encoder rungs=144p@120k "
      "segment-duration=1000000000 location=" +
      scratch_.path() +
      " videotestsrc num-buffers=300 ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 ! x264enc "
      "key-int-max=25 speed-preset=ultrafast ! h264parse ! hls.video");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  GstStructure* stats = nullptr;
  g_object_get(pipeline.element("hls").get(), "stats", &stats, nullptr);
  guint64 pictures = 0;
  EXPECT_TRUE(gst_structure_get_uint64(stats, "pictures", &pictures));
  gst_structure_free(stats);
  EXPECT_GE(pictures, 100u);
  EXPECT_LT(pictures, 200u);  // five segments, and what was in the decoder
  pipeline.stop();
}

TEST_F(AbrLadder, AnEncoderThatFailsNowAndThenIsAlwaysStartedAgain) {
  BreakingEncoder::use(60);
  Pipeline pipeline(
      "abrhlssink name=hls playlist-length=0 encoder=nvh264enc rungs=144p@120k segment-duration=1000000000 "
      "location=" +
      scratch_.path() +
      " videotestsrc num-buffers=700 ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 ! x264enc "
      "key-int-max=25 speed-preset=ultrafast ! h264parse ! hls.video");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  EXPECT_GT(pipeline.count(Pipeline::is_element("headgate-ladder", "state", "failed")), 5);
  pipeline.stop();
}

TEST_F(AbrLadder, ARungThatStopsLetsGoOfItsEncoder) {
  BreakingEncoder::use(-1);
  Pipeline pipeline(
      "abrhlssink name=hls playlist-length=0 encoder=nvh264enc rungs=144p@120k,90p@80k "
      "segment-duration=1000000000 location=" +
      scratch_.path() +
      " videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 ! x264enc "
      "tune=zerolatency key-int-max=25 speed-preset=ultrafast ! h264parse ! hls.video");
  pipeline.play();
  ASSERT_TRUE(eventually([] { return BreakingEncoder::alive() == 2; }));
  g_object_set(pipeline.element("hls").get(), "active-rungs", "90p", nullptr);
  EXPECT_TRUE(eventually([] { return BreakingEncoder::alive() == 1; }));
  pipeline.stop();
}

TEST_F(AbrLadder, OnDemandTheOnlyOneGivesWayAndIsTold) {
  Pipeline pipeline(
      "abrhlssink name=hls playlist-length=0 on-demand=true idle-timeout=60000000000 rungs=540p@800k "
      "encoder-threads=1 encoder-preset=placebo "
      "encoder-options=me=esa:merange=64:bframes=0:rc-lookahead=0:sync-lookahead=0 "
      "segment-duration=1000000000 location=" +
      scratch_.path() +
      " videotestsrc is-live=true pattern=snow ! "
      "video/x-raw,format=I420,width=1280,height=720,framerate=25/1 ! "
      "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! h264parse ! hls.video");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait(Pipeline::is_element("headgate-ladder", "state", "idle")));
  g_signal_emit_by_name(pipeline.element("hls").get(), "want-rendition", "540p");
  EXPECT_TRUE(pipeline.wait(Pipeline::is_element("headgate-ladder", "state", "paused")));
  EXPECT_EQ(pipeline.count(Pipeline::is_element("headgate-ladder", "state", "stopped")), 0);
  pipeline.stop();
}

TEST_F(AbrLadder, ASoundEncoderThatFailsIsToldAndStartedAgain) {
  BreakingEncoder::use_sound(400);  // frames: whole segments between two failures
  Pipeline pipeline("abrhlssink name=hls playlist-length=0 rungs=audio@48k location=" + scratch_.path() +
                    " audiotestsrc num-buffers=1410 samplesperbuffer=1024 ! "
                    "audio/x-raw,rate=48000,channels=2 ! avenc_aac ! "
                    "aacparse ! hls.audio_0");
  pipeline.play();
  EXPECT_TRUE(pipeline.wait_eos());
  EXPECT_GE(pipeline.count(Pipeline::is_element("headgate-ladder", "state", "failed")), 2);
  pipeline.stop();
  BreakingEncoder::forget_sound();
  EXPECT_GT(packets("audio-48k"), 150u);
}

TEST_F(AbrLadder, RungsThatCannotBeReadAreAnError) {
  Pipeline pipeline("videotestsrc ! x264enc ! h264parse ! abrhlssink rungs=720 location=" + scratch_.path());
  EXPECT_EQ(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  const auto message = pipeline.wait(Pipeline::is_type(GST_MESSAGE_ERROR));
  ASSERT_TRUE(message);
  GError* error = nullptr;
  gst_message_parse_error(message.get(), &error, nullptr);
  EXPECT_NE(std::string(error->message).find("rung 1, \"720\": no bit rate"), std::string::npos)
      << error->message;
  g_error_free(error);
}

}  // namespace
}  // namespace headgate::test

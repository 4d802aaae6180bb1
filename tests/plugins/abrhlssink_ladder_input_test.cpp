// SPDX-License-Identifier: LGPL-2.1-or-later
// What a ladder makes of what comes in: raw pictures and sound, interlaced pictures, a source that does not
// stand for a rung, sound that is too soft; and encoders that hang.
#include <algorithm>
#include <regex>

#include "breaking_encoder.h"
#include "ladder_fixture.h"

namespace headgate::test {
namespace {

constexpr char kSmall[] = "video/x-raw,format=I420,width=320,height=180,framerate=25/1";

TEST_F(AbrLadder, OfRawInputOnlyTheLadderIsMade) {
  run(std::string("encoder-threads=1 rungs=180p@200k,144p@120k,audio@48k videotestsrc num-buffers=150 ! ") +
      kSmall +
      " ! hls.raw_video audiotestsrc num-buffers=282 samplesperbuffer=1024 ! "
      "audio/x-raw,rate=48000,channels=2 ! hls.raw_audio");
  EXPECT_EQ(failed_, 0);
  EXPECT_EQ(dropped_, 0);  // its own size is encoded, too
  EXPECT_EQ(playlist("media"), "");
  const auto expected = durations(playlist("180p"));
  EXPECT_EQ(expected, std::vector<std::string>(3, "#EXTINF:2.000000,"));
  EXPECT_EQ(durations(playlist("144p")), expected);
  EXPECT_EQ(keys("180p"), keys("144p"));
  EXPECT_EQ(keys("180p").size(), 3u);
  for (const std::string name : {"180p", "144p"}) {
    EXPECT_EQ(packets(name), 150u) << name;
    EXPECT_NE(playlist(name).find("#EXT-X-ENDLIST"), std::string::npos) << name;
    EXPECT_NE(variant(name).find("AUDIO=\"audio\""), std::string::npos) << name;
  }
  EXPECT_GT(packets("audio-48k"), 275u);
  EXPECT_FALSE(variant("audio-48k").empty());
  EXPECT_EQ(complaints(), "");
}

TEST_F(AbrLadder, RawSoundAloneIsCutByTime) {
  run("rungs=audio@48k audiotestsrc num-buffers=469 samplesperbuffer=512 ! "
      "audio/x-raw,rate=48000,channels=1 ! hls.raw_audio");
  EXPECT_EQ(failed_, 0);
  EXPECT_EQ(durations(playlist("audio-48k")).size(), 3u);
  EXPECT_GT(packets("audio-48k"), 230u);
}

// Sound has ended, and the camera is taken away: that is the end. One that comes back later is refused.
TEST_F(AbrLadder, RawInputOfWhichAPadIsReleasedEnds) {
  Pipeline pipeline(
      "abrhlssink name=hls playlist-length=0 encoder-threads=1 rungs=144p@120k,audio@48k location=" +
      scratch_.path() + " appsrc name=camera is-live=true format=time caps=" + kSmall +
      " ! hls.raw_video audiotestsrc num-buffers=282 samplesperbuffer=1024 ! "
      "audio/x-raw,rate=48000,channels=2 ! hls.raw_audio");
  pipeline.play();
  const auto hls = pipeline.element("hls"), camera = pipeline.element("camera");
  const auto sound = gst::Ref<GstPad>::adopt(gst_element_get_static_pad(hls.get(), "raw_audio"));
  const auto picture = gst::Ref<GstPad>::adopt(gst_element_get_static_pad(hls.get(), "raw_video"));
  ASSERT_TRUE(eventually([&] { return GST_PAD_IS_EOS(sound.get()) != 0; }));
  EXPECT_EQ(pipeline.count(Pipeline::is_type(GST_MESSAGE_EOS)), 0);
  gst_element_unlink(camera.get(), hls.get());
  gst_element_release_request_pad(hls.get(), picture.get());
  EXPECT_TRUE(pipeline.wait_eos());
  EXPECT_EQ(gst_element_request_pad_simple(hls.get(), "raw_video"), nullptr);
  pipeline.stop();
}

TEST_F(AbrLadder, OfRawInputWithoutRungsNothingCanBeMade) {
  Pipeline pipeline("videotestsrc ! abrhlssink.raw_video abrhlssink name=abrhlssink location=" +
                    scratch_.path());
  EXPECT_EQ(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  const auto message = pipeline.wait(Pipeline::is_type(GST_MESSAGE_ERROR));
  ASSERT_TRUE(message);
}

TEST_F(AbrLadder, RawInputThatNoRungWouldHaveIsRefused) {
  const std::string sink = " abrhlssink name=hls location=" + scratch_.path() + " rungs=";
  for (const auto& [rungs, lacking] : {std::pair{"audio@48k", "raw pictures"}, {"144p@120k", "raw sound"}}) {
    Pipeline pipeline("videotestsrc ! hls.raw_video audiotestsrc ! hls.raw_audio" + sink + rungs);
    EXPECT_EQ(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE) << rungs;
    const auto message = pipeline.wait(Pipeline::is_type(GST_MESSAGE_ERROR));
    ASSERT_TRUE(message) << rungs;
    GError* error = nullptr;
    gst_message_parse_error(message.get(), &error, nullptr);
    EXPECT_NE(std::string(error->message).find(lacking), std::string::npos) << error->message;
    g_error_free(error);
  }
}

// Every field is the opposite of the one before, in time and in space: as it is, each frame is grey.
TEST_F(AbrLadder, InterlacedPicturesAreMadeWhole) {
  output_of(
      "ffmpeg -v error -f lavfi -i \"nullsrc=s=320x180:r=25,geq=lum='if(mod(N+Y,2),16,235)':cb=128:"
      "cr=128,format=yuv420p,setfield=tff\" -frames:v 60 -c:v libx264 -preset ultrafast -crf 10 -g 50 "
      "-flags +ilme+ildct -x264-params tff=1 " +
      path("fields.mp4"));
  run("encoder-threads=1 rungs=144p@800k filesrc location=" + path("fields.mp4") +
      " ! qtdemux ! h264parse ! hls.video");
  std::vector<double> means;
  for (const std::string& line :
       lines(output_of("ffmpeg -v error -allowed_extensions ALL -i " + path("144p.m3u8") +
                       " -vf signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=- -f null - | grep "
                       "YAVG")))
    means.push_back(std::stod(line.substr(line.find('=') + 1)));
  // A picture is made with the one behind it: the last one is not.
  ASSERT_GE(means.size(), 58u);
  for (size_t i = 5; i + 5 < means.size(); ++i)
    EXPECT_TRUE(means[i] < 80 || means[i] > 180) << i << ": " << means[i];
  EXPECT_LT(*std::min_element(means.begin(), means.end()), 80);
  EXPECT_GT(*std::max_element(means.begin(), means.end()), 180);
}

TEST_F(AbrLadder, ASourceOfTooHighARateIsEncodedInItsOwnSize) {
  run(std::string("encoder-threads=1 rungs=180p@200k,144p@120k videotestsrc num-buffers=75 pattern=snow ! ") +
      kSmall + " ! x264enc key-int-max=50 speed-preset=ultrafast bitrate=3000 ! h264parse ! hls.video");
  EXPECT_EQ(dropped_, 0);
  EXPECT_EQ(packets("180p"), 75u);
  EXPECT_NE(variant("180p").find("RESOLUTION=320x180"), std::string::npos);
  EXPECT_FALSE(variant("media").empty());
}

// As ffmpeg measures it.
struct Loudness {
  double integrated = 0, peak = 0;
};
Loudness loudness_of(const std::string& playlist) {
  const std::string text = output_of("ffmpeg -nostdin -hide_banner -allowed_extensions ALL -i " + playlist +
                                     " -af ebur128=peak=true -f null - 2>&1 | tail -14");
  Loudness found;
  std::smatch match;
  if (std::regex_search(text, match, std::regex("I: +(-?[0-9.]+) LUFS")))
    found.integrated = std::stod(match[1]);
  if (std::regex_search(text, match, std::regex("Peak: +(-?[0-9.]+) dBFS"))) found.peak = std::stod(match[1]);
  return found;
}

TEST_F(AbrLadder, SoundIsBroughtToALoudness) {
  run("rungs=audio@96k loudness=-23 audiotestsrc volume=0.02 freq=1000 num-buffers=2813 "
      "samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=2 ! hls.raw_audio");
  const Loudness soft = loudness_of(path("audio-96k.m3u8"));
  EXPECT_NEAR(soft.integrated, -23, 1);
  EXPECT_LE(soft.peak, -1);
}

TEST_F(AbrLadder, SoundThatIsTooLoudIsKeptBelowItsPeak) {
  run("rungs=audio@96k loudness=-14 audiotestsrc wave=pink-noise volume=0.3 num-buffers=1400 "
      "samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! hls.audio_0");
  const Loudness loud = loudness_of(path("audio-96k.m3u8"));
  EXPECT_LE(loud.peak, -1);
  EXPECT_NEAR(loud.integrated, -14, 1);
}

class HangingEncoder : public AbrLadder, public ::testing::WithParamInterface<BreakingEncoder::Hang> {};

// At a hundred pictures a second, so that one that swallows them soon has as many as it may.
TEST_P(HangingEncoder, IsStartedAgainAndThenGivesWayToAnother) {
  BreakingEncoder::use(5, GetParam());
  Pipeline pipeline(
      "abrhlssink name=hls playlist-length=0 encoder=nvh264enc encoder-timeout=1000000000 "
      "rungs=144p@120k segment-duration=1000000000 location=" +
      scratch_.path() +
      " videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=180,framerate=100/1" +
      " ! x264enc tune=zerolatency key-int-max=100 speed-preset=ultrafast ! h264parse ! hls.video");
  pipeline.play();
  const auto turn = pipeline.wait([](GstMessage* message) {
    return gst_message_has_name(message, "headgate-ladder") &&
           text_field(message, "reason").find("it is x264enc's turn") != std::string::npos;
  });
  ASSERT_TRUE(turn);
  EXPECT_NE(text_field(turn.get(), "reason").find("hangs"), std::string::npos);
  EXPECT_EQ(pipeline.count(Pipeline::is_element("headgate-ladder", "state", "failed")), 2);
  const size_t before = durations(playlist("144p")).size();
  EXPECT_TRUE(eventually([&] { return durations(playlist("144p")).size() > before + 1; }));
  pipeline.stop();
  BreakingEncoder::let_go();
  EXPECT_TRUE(eventually([] { return BreakingEncoder::alive() == 0; }));
}

TEST_P(HangingEncoder, HoldsUpNoEnd) {
  BreakingEncoder::use(5, GetParam());
  Pipeline pipeline(
      "abrhlssink name=hls playlist-length=0 encoder=nvh264enc encoder-timeout=60000000000 "
      "rungs=144p@120k segment-duration=1000000000 location=" +
      scratch_.path() + " videotestsrc is-live=true ! " + kSmall +
      " ! x264enc tune=zerolatency key-int-max=25 speed-preset=ultrafast ! h264parse ! hls.video");
  pipeline.play();
  ASSERT_TRUE(eventually([&] { return durations(playlist("media")).size() > 1; }));
  pipeline.stop();
  BreakingEncoder::let_go();
  EXPECT_TRUE(eventually([] { return BreakingEncoder::alive() == 0; }));
}

// The rung that is made first, the larger one, hangs for longer than the test lasts; then it comes back.
TEST_F(AbrLadder, BesideAnEncoderThatHangsTheOtherRungsGoOn) {
  BreakingEncoder::use(5, BreakingEncoder::Hang::blocks, 1);
  Pipeline pipeline(
      "abrhlssink name=hls playlist-length=0 encoder=nvh264enc encoder-timeout=60000000000 "
      "rungs=144p@120k,90p@80k segment-duration=1000000000 location=" +
      scratch_.path() + " videotestsrc is-live=true ! " + kSmall +
      " ! x264enc tune=zerolatency key-int-max=25 speed-preset=ultrafast ! h264parse ! hls.video");
  pipeline.play();
  EXPECT_TRUE(eventually([&] { return durations(playlist("90p")).size() > 3; }));
  EXPECT_LT(durations(playlist("144p")).size(), 2u);
  EXPECT_EQ(pipeline.count(Pipeline::is_element("headgate-ladder", "state", "failed")), 0);
  EXPECT_EQ(pipeline.count(Pipeline::is_element("headgate-ladder", "state", "paused")), 0);
  BreakingEncoder::let_go();
  const size_t before = durations(playlist("144p")).size();
  EXPECT_TRUE(eventually([&] { return durations(playlist("144p")).size() > before + 2; }));
  EXPECT_EQ(pipeline.count(Pipeline::is_element("headgate-ladder", "state", "failed")), 0);
  pipeline.stop();
}

// The smaller one, which gives way last where it is the machine that is too slow.
TEST_F(AbrLadder, AnEncoderThatIsSlowGivesWayItselfAndTheOthersGoOn) {
  BreakingEncoder::use(5, BreakingEncoder::Hang::slows, 1, 1);
  Pipeline pipeline(
      "abrhlssink name=hls playlist-length=0 encoder=nvh264enc rungs=144p@120k,90p@80k "
      "segment-duration=1000000000 location=" +
      scratch_.path() + " videotestsrc is-live=true ! " + kSmall +
      " ! x264enc tune=zerolatency key-int-max=25 speed-preset=ultrafast ! h264parse ! hls.video");
  pipeline.play();
  const auto paused = pipeline.wait(Pipeline::is_element("headgate-ladder", "state", "paused"));
  ASSERT_TRUE(paused);
  EXPECT_EQ(text_field(paused.get(), "rendition"), "90p");
  const size_t before = durations(playlist("144p")).size();
  EXPECT_TRUE(eventually([&] { return durations(playlist("144p")).size() > before + 1; }));
  EXPECT_EQ(pipeline.count(Pipeline::is_element("headgate-ladder", "rendition", "144p")), 1);  // it runs
  pipeline.stop();
  BreakingEncoder::let_go();
}

INSTANTIATE_TEST_SUITE_P(Ways, HangingEncoder,
                         ::testing::Values(BreakingEncoder::Hang::blocks, BreakingEncoder::Hang::swallows));

}  // namespace
}  // namespace headgate::test

// SPDX-License-Identifier: LGPL-2.1-or-later
// Playlists that an independent player reads.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <playlist/record.h>

#include "plugin_test.h"
#include "told_records.h"

namespace headgate::test {
namespace {

constexpr char kVideo[] =
    "videotestsrc num-buffers=300 ! video/x-raw,width=160,height=120,framerate=30/1 ! "
    "x264enc key-int-max=30 speed-preset=ultrafast ! h264parse ! ";
constexpr char kAudio[] =
    "audiotestsrc num-buffers=440 samplesperbuffer=1024 ! audio/x-raw,rate=44100 ! avenc_aac ! ";

std::string text_of(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

size_t occurrences(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

class HlsSink : public ::testing::Test {
 protected:
  std::string index() const { return scratch_.path() + "/index.m3u8"; }
  std::string media() const { return text_of(scratch_.path() + "/media.m3u8"); }
  size_t played(const char* stream) {
    return std::stoul(output_of("ffprobe -v error -allowed_extensions ALL -count_packets -select_streams " +
                                std::string(stream) + " -show_entries stream=nb_read_packets -of csv=p=0 " +
                                index() + " | head -1"));
  }
  ScratchDirectory scratch_;
};

TEST_F(HlsSink, EncodedPadsMakeAPlaylistThatPlays) {
  Pipeline pipeline("abrhlssink name=hls playlist-length=0 location=" + scratch_.path() + " " + kVideo +
                    "hls.video " + kAudio + "hls.audio_0");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  EXPECT_EQ(played("v"), 300u);
  EXPECT_GE(played("a"), 440u);
  EXPECT_EQ(output_of("ffmpeg -v warning -allowed_extensions ALL -i " + index() +
                      " -f null - 2>&1 | grep -v 'Opening\\|skipping' || true"),
            "");
  EXPECT_NE(media().find("#EXT-X-ENDLIST"), std::string::npos);
  EXPECT_EQ(occurrences(media(), "#EXTINF"), 5u);
}

TEST_F(HlsSink, TheOpenFileCanBeReadUnderItsFinalName) {
  Pipeline pipeline("abrhlssink name=hls location=" + scratch_.path() +
                    " videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=25/1 ! x264enc "
                    "tune=zerolatency key-int-max=25 ! h264parse ! hls.video");
  pipeline.play();
  ASSERT_TRUE(eventually([&] { return occurrences(media(), "#EXTINF") >= 1; }));
  const auto files = files_under(scratch_.path(), ".mp4");
  ASSERT_EQ(files.size(), 1u);
  EXPECT_TRUE(std::filesystem::is_symlink(files[0]));
  EXPECT_GT(count_packets(files, codec::Kind::video), 25u);
  EXPECT_EQ(media().find("#EXT-X-ENDLIST"), std::string::npos);
  pipeline.stop();
  EXPECT_FALSE(std::filesystem::is_symlink(files[0]));
}

TEST_F(HlsSink, ALivePlaylistSlidesAndOldMediaGoes) {
  // 10 minutes of a tiny picture, as fast as they come.
  Pipeline pipeline("abrhlssink name=hls playlist-length=20000000000 location=" + scratch_.path() +
                    " videotestsrc num-buffers=3000 ! video/x-raw,width=64,height=64,framerate=5/1 ! x264enc "
                    "speed-preset=ultrafast key-int-max=10 ! h264parse ! hls.video");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  EXPECT_LE(occurrences(media(), "#EXTINF"), 12u);
  EXPECT_EQ(media().find("#EXT-X-MEDIA-SEQUENCE:0\n"), std::string::npos);
  const size_t files = files_under(scratch_.path(), ".mp4").size();
  EXPECT_GE(files, 2u);
  EXPECT_LE(files, 4u);
  EXPECT_GT(played("v"), 50u);
}

TEST_F(HlsSink, RecordsOfAnArchiveArePassedOn) {
  Pipeline pipeline("segmentarchiver name=archive event=5 station=9 root=" + scratch_.path() +
                    " ! abrhlssink name=hls " + kVideo + "archive.video " + kAudio + "archive.audio_0");
  const auto pushed = watch_pad(pipeline, "archive", "src");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  const auto records = records_of(pipeline, "");
  EXPECT_EQ(records.size(), pushed->count());
  ASSERT_FALSE(records.empty());
  EXPECT_TRUE(std::holds_alternative<playlist::RunRecord>(records.front()));
  EXPECT_TRUE(std::holds_alternative<playlist::EndRecord>(records.back()));
  EXPECT_TRUE(files_under(scratch_.path(), ".m3u8").empty());
}

TEST_F(HlsSink, AnArchiveWithPlaylistsBesideItPlays) {
  Pipeline pipeline("segmentarchiver name=archive event=5 station=9 root=" + scratch_.path() +
                    " ! abrhlssink name=hls playlist-length=0 location=" + scratch_.path() + " " + kVideo +
                    "archive.video");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  EXPECT_EQ(played("v"), 300u);
}

TEST_F(HlsSink, EncodedPadsNeedAFolder) {
  Pipeline pipeline("videotestsrc ! x264enc ! h264parse ! abrhlssink");
  EXPECT_EQ(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  EXPECT_TRUE(pipeline.wait(Pipeline::is_type(GST_MESSAGE_ERROR)));
}

TEST_F(HlsSink, RecordsAndEncodedPadsDoNotMix) {
  const auto sink = gst::Ref<GstElement>::adopt(
      GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make("abrhlssink", nullptr))));
  GstPad* records = gst_element_request_pad_simple(sink.get(), "records");
  ASSERT_TRUE(records);
  EXPECT_FALSE(gst_element_request_pad_simple(sink.get(), "video"));
  gst_element_release_request_pad(sink.get(), records);
  gst_object_unref(records);
  GstPad* video = gst_element_request_pad_simple(sink.get(), "video");
  ASSERT_TRUE(video);
  EXPECT_FALSE(gst_element_request_pad_simple(sink.get(), "records"));
  gst_element_release_request_pad(sink.get(), video);
  gst_object_unref(video);
}

}  // namespace
}  // namespace headgate::test

// SPDX-License-Identifier: LGPL-2.1-or-later
// Every codec from a real encoder through the elements, and what independent readers find in what was
// written.
#include <fcntl.h>
#include <gst/app/gstappsrc.h>
#include <gst/pbutils/codec-utils.h>

#include <fstream>
#include <ostream>
#include <sstream>

#include <base/encoding.h>
#include <base/io.h>
#include <codec/frame_hash.h>
#include <codec/stream_config.h>
#include <fmp4/reader.h>

#include "common/codec_caps.h"
#include "common/track_finder.h"
#include "plugin_test.h"

namespace headgate::test {
namespace {

#define PICTURE                                                                                \
  "videotestsrc num-buffers=60 ! video/x-raw,format=I420,width=160,height=120,framerate=25/1," \
  "colorimetry=bt709 ! "
#define TONE "audiotestsrc num-buffers=90 samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=2 ! "

struct Case {
  const char* name;
  const char* encoder;
  const char* pad;
  const char* stream;  // ffprobe: codec, tag, then size or rate and channels
  size_t packets;
  const char* codecs;
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.name;
}

// 90 * 1024 samples in packets of 960 (and 312 of pre-skip), 1536 and 4608.
const Case kCases[] = {
    {"h265", PICTURE "x265enc key-int-max=25 speed-preset=ultrafast ! h265parse", "video",
     "hevc,hvc1,160,120", 60, "hvc1.1.6.L63.90"},
    {"av1", PICTURE "av1enc cpu-used=8 keyframe-max-dist=25 ! av1parse", "video", "av1,av01,160,120", 60,
     "av01.0.00M.08"},
    {"vp9", PICTURE "vp9enc deadline=1 cpu-used=8 keyframe-max-dist=25", "video", "vp9,vp09,160,120", 60,
     "vp09.00.10.08"},
    {"vp9_parsed", PICTURE "vp9enc deadline=1 cpu-used=8 keyframe-max-dist=25 ! vp9parse", "video",
     "vp9,vp09,160,120", 60, "vp09.00.10.08"},
    {"opus", TONE "opusenc", "audio_0", "opus,Opus,48000,2", 97, "opus"},
    {"opus_5_1",
     "audiotestsrc num-buffers=90 samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=6 ! opusenc",
     "audio_0", "opus,Opus,48000,6", 97, "opus"},
    {"ac3", TONE "avenc_ac3", "audio_0", "ac3,ac-3,48000,2", 60, "ac-3"},
    {"eac3", TONE "avenc_eac3 ! ac3parse", "audio_0", "eac3,ec-3,48000,2", 60, "ec-3"},
    {"flac", TONE "flacenc", "audio_0", "flac,fLaC,48000,2", 20, "fLaC"},
    {"flac_parsed", TONE "flacenc ! flacparse", "audio_0", "flac,fLaC,48000,2", 20, "fLaC"},
};

class Codecs : public testing::TestWithParam<Case> {
 protected:
  // Ends the test where frames are missing, or ffmpeg complains of any.
  void expect_plays(const std::string& path) {
    const Case& c = GetParam();
    const bool video = std::string(c.pad) == "video";
    const std::string found =
        output_of("ffprobe -v error -count_packets -show_entries stream=codec_name,codec_tag_string," +
                  std::string(video ? "width,height" : "sample_rate,channels") +
                  ",nb_read_packets -of csv=p=0 " + path);
    EXPECT_EQ(found.substr(0, found.find_last_not_of(",\n") + 1),
              std::string(c.stream) + "," + std::to_string(c.packets));
    EXPECT_EQ(output_of("ffmpeg -nostdin -v error -xerror -i " + path + " -f null - 2>&1"), "");
  }
  ScratchDirectory scratch_;
};

// The frame index that was made while the media came, against what stands in the file now (docs/archive.md).
void expect_indexed(const std::string& file, size_t packets) {
  constexpr size_t kEntry = 16, kHashBytes = 8;
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  const Result<fmp4::Source> source = fmp4::source_of_file(fd.get());
  ASSERT_TRUE(source);
  const Result<fmp4::InitInfo> init = fmp4::read_init(*source);
  ASSERT_TRUE(init) << init.error().message;
  codec::FrameHasher hasher(init->presentation.video ? *init->presentation.video : *init->presentation.audio);
  const ByteVector index =
      read_file(file.substr(0, file.size() - std::string(".mp4").size()) + ".fhx", 1 << 20).value();
  ASSERT_EQ(index.size(), packets * kEntry);
  fmp4::ChunkWalker walker(*source, init->length);
  size_t at = 0;
  while (const std::optional<fmp4::ChunkInfo> chunk = walker.next()) {
    const auto samples = fmp4::read_samples(*source, *chunk);
    ASSERT_TRUE(samples) << samples.error().message;
    for (const fmp4::SampleInfo& sample : *samples) {
      ByteVector bytes(sample.size);
      ASSERT_EQ(source->read(sample.offset, bytes).value(), sample.size);
      const Digest hash = hasher.hash(bytes);
      EXPECT_EQ(to_hex(Bytes(hash).first(kHashBytes)), to_hex(Bytes(index).subspan(at, kHashBytes)));
      at += kEntry;
    }
  }
  EXPECT_EQ(walker.end(), fmp4::WalkEnd::complete) << walker.reason();
  EXPECT_EQ(at, index.size());
}

TEST_P(Codecs, AreArchived) {
  const Case& c = GetParam();
  Pipeline pipeline("segmentarchiver name=archive event=5 station=9 root=" + scratch_.path() +
                    " ! fakesink async=false " + c.encoder + " ! archive." + c.pad);
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  const auto files = files_under(scratch_.path(), ".mp4");
  ASSERT_EQ(files.size(), 1u);
  expect_plays(files[0]);
  expect_indexed(files[0], c.packets);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"codecs\":\"" + std::string(c.codecs) + "\""), 1u);
}

TEST_P(Codecs, ArePlayedByHls) {
  const Case& c = GetParam();
  Pipeline pipeline("abrhlssink name=hls playlist-length=0 location=" + scratch_.path() + " " + c.encoder +
                    " ! hls." + c.pad);
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  std::ostringstream master;
  master << std::ifstream(scratch_.path() + "/index.m3u8").rdbuf();
  EXPECT_NE(master.str().find("CODECS=\"" + std::string(c.codecs) + "\""), std::string::npos) << master.str();
  const auto files = files_under(scratch_.path(), ".mp4");
  ASSERT_EQ(files.size(), 1u);
  expect_plays(files[0]);
  // Once for the program, once for the stream.
  const std::string counted = output_of(
      "ffprobe -v quiet -allowed_extensions ALL -count_packets -show_entries stream=nb_read_packets "
      "-of default=nk=1:nw=1 " +
      scratch_.path() + "/media.m3u8 | head -1");
  EXPECT_EQ(counted, std::to_string(c.packets) + "\n");
}

INSTANTIATE_TEST_SUITE_P(Encoders, Codecs, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

struct DecoderCase {
  const char* name;
  const char* arguments;  // of ffmpeg
  const char* decoder;
};
std::ostream& operator<<(std::ostream& out, const DecoderCase& c) {
  return out << c.name;
}

#define FF_PICTURE "-f lavfi -i testsrc2=size=160x120:rate=25 -t 1 -pix_fmt yuv420p "
#define FF_TONE "-f lavfi -i sine=sample_rate=48000 -t 1 -ac 2 "
#define FF_X265 "-c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=0 -tag:v hvc1"
#define FF_AV1 "-c:v libaom-av1 -cpu-used 8 -lag-in-frames 0"
#define FF_VP9 "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0"

const DecoderCase kDecoders[] = {
    {"h264", FF_PICTURE "-c:v libx264 -preset ultrafast -bf 0", "avdec_h264"},
    {"h265", FF_PICTURE FF_X265, "avdec_h265"},
    {"h265_parsed", FF_PICTURE FF_X265, "h265parse ! avdec_h265"},
    {"av1", FF_PICTURE FF_AV1, "av1dec"},
    {"av1_parsed", FF_PICTURE FF_AV1, "av1parse ! av1dec"},
    {"vp9", FF_PICTURE FF_VP9, "vp9dec"},
    {"vp9_parsed", FF_PICTURE FF_VP9, "vp9parse ! vp9dec"},
    {"aac", FF_TONE "-c:a aac", "avdec_aac"},
    {"opus", FF_TONE "-c:a libopus", "opusdec"},
    {"opus_parsed", FF_TONE "-c:a libopus", "opusparse ! opusdec"},
    {"opus_5_1", FF_TONE "-ac 6 -c:a libopus -mapping_family 1", "opusdec"},
    {"ac3", FF_TONE "-c:a ac3", "avdec_ac3"},
    {"ac3_parsed", FF_TONE "-c:a ac3", "ac3parse ! avdec_ac3"},
    {"eac3", FF_TONE "-c:a eac3", "avdec_eac3"},
    {"flac", FF_TONE "-c:a flac -strict -2", "flacdec"},
    {"flac_parsed", FF_TONE "-c:a flac -strict -2", "flacparse ! flacdec"},
};

class Decoders : public testing::TestWithParam<DecoderCase> {};

// caps_of() is what GStreamer's own parsers and decoders take: all that was encoded comes out.
TEST_P(Decoders, TakeTheCaps) {
  const MediaFile media = encode(GetParam().arguments);
  const codec::Track& track = media.video ? *media.video : *media.audio;
  Pipeline pipeline("appsrc name=source format=time ! " + std::string(GetParam().decoder) +
                    " ! fakesink name=sink sync=false");
  const auto source = pipeline.element("source");
  g_object_set(source.get(), "caps", gst::caps_of(track).get(), nullptr);
  const auto decoded = watch_pad(pipeline, "sink", "sink");
  pipeline.play();
  for (const Packet& packet : media.packets) {
    GstBuffer* buffer = gst_buffer_new_memdup(packet.data.data(), packet.data.size());
    GST_BUFFER_PTS(buffer) =
        gst_util_uint64_scale(static_cast<guint64>(packet.pts), GST_SECOND, track.timescale);
    GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(packet.duration, GST_SECOND, track.timescale);
    if (!packet.key) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    ASSERT_EQ(gst_app_src_push_buffer(GST_APP_SRC(source.get()), buffer), GST_FLOW_OK);
  }
  gst_app_src_end_of_stream(GST_APP_SRC(source.get()));
  ASSERT_TRUE(pipeline.wait_eos());
  if (track.kind == codec::Kind::video) {
    EXPECT_EQ(decoded->count(), media.packets.size());
    return;
  }
  GstClockTime length = 0;
  for (const auto& buffer : decoded->buffers) length += GST_BUFFER_DURATION(buffer.get());
  // A second, but for what an encoder puts before it and a decoder drops.
  EXPECT_NEAR(static_cast<double>(length), GST_SECOND, 0.1 * GST_SECOND);
}

INSTANTIATE_TEST_SUITE_P(OfGStreamer, Decoders, testing::ValuesIn(kDecoders),
                         [](const auto& test) { return std::string(test.param.name); });

ByteVector hex(std::string_view text) {
  return from_hex(text).value();
}

std::vector<codec::Track> tracks() {
  return {
      codec::track_from_avcc(
          hex("0164001effe1001a6764001eacd940a02ff97011000003000100000300328f162d9601000668ebe3cb"
              "22c0fdf8f800"))
          .value(),
      codec::track_from_hvcc(hex("0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff0160000"
                                 "0030090000003000003003c95"
                                 "9409a10001002a42010101600000030090000003000003003ca00a080c1d4f965654a4c2f01"
                                 "68080000003008000000c84a2"
                                 "000100064401c073c189"))
          .value(),
      codec::track_from_av1c(hex("81000c000a0b000000043cf6ccdaf90040")).value(),
      codec::track_from_vpcc(hex("000b820202020000"), 318, 180).value(),
      codec::track_from_asc(hex("1190")).value(),
      codec::track_from_dops(hex("000201380000bb80000000")).value(),
      codec::track_from_dops(hex("000601380000bb800000010402000401020305")).value(),
      codec::track_from_dac3(hex("503de0")).value(),
      codec::track_from_dec3(hex("0e00200f00")).value(),
      codec::track_from_flac(hex("1200120000025800051b0bb802f00000bb80a316b305f13b13fe767b3d0d068f95bc"))
          .value(),
  };
}

TEST(Caps, SayTheTrackAndComeBack) {
  const auto video = gst::Ref<GstCaps>::adopt(gst_caps_from_string(gst::kVideoCaps));
  const auto audio = gst::Ref<GstCaps>::adopt(gst_caps_from_string(gst::kAudioCaps));
  for (const codec::Track& track : tracks()) {
    const auto caps = gst::caps_of(track);
    EXPECT_TRUE(gst_caps_is_fixed(caps.get())) << codecs_string(track);
    EXPECT_TRUE(gst_caps_is_subset(caps.get(), track.kind == codec::Kind::video ? video.get() : audio.get()))
        << codecs_string(track);
    gst::TrackFinder finder;
    const auto back = finder.caps(caps.get());
    ASSERT_TRUE(back) << codecs_string(track) << ": " << back.error().message;
    EXPECT_EQ(*back, track) << codecs_string(track);
  }
}

// GStreamer's own functions know these in full.
TEST(Caps, GStreamerMakesTheSameCodecsString) {
  size_t compared = 0;
  for (const codec::Track& track : tracks()) {
    gchar* const theirs = gst_codec_utils_caps_get_mime_codec(gst::caps_of(track).get());
    if (theirs && std::string(theirs).find('.') != std::string::npos) {
      EXPECT_EQ(g_ascii_strcasecmp(codecs_string(track).c_str(), theirs), 0) << theirs;  // hex digits
      ++compared;
    }
    g_free(theirs);
  }
  EXPECT_EQ(compared, 3u);  // H.264, H.265, AAC
}

Result<std::optional<codec::Track>> found_in(gst::TrackFinder& finder, const char* text) {
  const auto caps = gst::Ref<GstCaps>::adopt(gst_caps_from_string(text));
  return finder.caps(caps.get());
}

TEST(Caps, LeaveItToTheStream) {
  gst::TrackFinder finder;
  const ByteVector key = hex("824983420013d00b360638241c184a00"), delta = hex("86004092f1214000007c7f91");
  const ByteVector larger =
      hex("8249834200"
          "27f0167606"
          "38241c184a00");
  ASSERT_EQ(found_in(finder, "video/x-vp9, framerate = 60/1").value(), std::nullopt);
  EXPECT_FALSE(finder.usable(delta));
  EXPECT_EQ(finder.look(delta), std::nullopt);
  EXPECT_EQ(finder.look(key), codec::track_from_vp9_frame(key, 60000).value());
  EXPECT_TRUE(finder.usable(delta));
  EXPECT_EQ(finder.look(key), std::nullopt);  // nothing new
  EXPECT_EQ(finder.look(larger).value().width, 640u);
  // qtdemux's codec_data of AV1 is not a record.
  const ByteVector unit = hex("12000a0b000000043cf6ccdaf900403203171400");
  ASSERT_EQ(found_in(finder,
                     "video/x-av1, stream-format = obu-stream, alignment = tu, codec_data = (buffer) "
                     "0b000000043cf6ccdaf90040")
                .value(),
            std::nullopt);
  EXPECT_EQ(finder.look(unit), codec::track_from_av1_obus(unit).value());
}

TEST(Caps, OfDemuxersAndEncoders) {
  gst::TrackFinder finder;
  // qtdemux: no OpusHead, and FLAC's marker apart from its STREAMINFO.
  const auto opus = found_in(finder,
                             "audio/x-opus, rate = 48000, channels = 3, channel-mapping-family = 1, "
                             "stream-count = 2, coupled-count = 1, channel-mapping = (int) < 0, 2, 1 >");
  ASSERT_TRUE(opus) << opus.error().message;
  EXPECT_EQ(to_hex((*opus)->config),
            "000300000000bb8000000102"
            "01000201");
  const auto flac =
      found_in(finder,
               "audio/x-flac, streamheader = (buffer) < 664c6143, "
               "800000221200120000025800051b0bb802f00000bb80a316b305f13b13fe767b3d0d068f95bc >");
  ASSERT_TRUE(flac) << flac.error().message;
  EXPECT_TRUE(finder.usable(hex("fff85a8800374e000000")));
  EXPECT_FALSE(finder.usable(hex("664c6143")));  // a header packet
}

TEST(Caps, SayWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"video/x-h264, stream-format = avc, alignment = au",
       "caps without codec_data; a parser before this pad adds it"},
      {"audio/x-flac", "caps without codec_data; a parser before this pad adds it"},
      {"video/x-h265, stream-format = hvc1, codec_data = (buffer) 02", "hvcC: ends too early"},
      {"video/x-vp9, alignment = frame",
       "VP9 in frames: MP4 has superframes (alignment=super-frame of vp9parse)"},
      {"video/x-vp8", "caps of a codec that is not taken"},
      {"audio/x-opus, channels = 3", "Opus: mapping family 0 with 3 channels"},
  };
  for (const auto& [caps, message] : cases) {
    gst::TrackFinder finder;
    const auto found = found_in(finder, caps);
    EXPECT_EQ(found ? "" : found.error().message, message) << caps;
  }
}

}  // namespace
}  // namespace headgate::test

// SPDX-License-Identifier: LGPL-2.1-or-later
// Transport streams of real muxers: what comes out is what ffprobe and ffmpeg find in them, unit by unit.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string_view>

#include <base/encoding.h>
#include <base/io.h>
#include <codec/frame_hash.h>
#include <media_file.h>

#include "recorder.h"

namespace headgate::mpegts {
namespace {

using test::Recorder;

constexpr size_t kMaxFile = 64u << 20;
constexpr size_t kMessage = 7 * kPacketBytes;  // of SRT

struct Case {
  const char* name;
  const char* command;  // writes to the file whose name follows it
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.name;
}

#define FFMPEG "ffmpeg -nostdin -v error -y "
#define VIDEO "-f lavfi -i testsrc2=size=320x180:rate=25 "
#define TONE "-f lavfi -i sine=frequency=440:sample_rate=48000 "
#define X264 "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 "
#define X265 "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=none:keyint=25 "
#define GST "gst-launch-1.0 -q -e "
#define GST_VIDEO \
  "videotestsrc num-buffers=75 pattern=ball ! video/x-raw,width=320,height=180,framerate=25/1 ! "
#define GST_TONE "audiotestsrc num-buffers=150 samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=2 ! "

constexpr Case kCases[] = {
    {"ffmpeg_h264_aac", FFMPEG VIDEO TONE "-t 3 " X264 "-c:a aac -f mpegts "},
    {"ffmpeg_b_frames",
     FFMPEG VIDEO TONE "-t 3 " X264 "-bf 3 -x264-params b-pyramid=normal -c:a aac -f mpegts "},
    {"ffmpeg_open_gop", FFMPEG VIDEO "-t 3 " X264 "-bf 2 -x264-params open-gop=1 -f mpegts "},
    {"ffmpeg_slices", FFMPEG VIDEO "-t 2 " X264 "-x264-params slices=4 -f mpegts "},
    {"ffmpeg_large", FFMPEG "-f lavfi -i testsrc2=size=1280x720:rate=25,noise=alls=60:allf=t "
                            "-t 1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -qp 5 -g 10 -f mpegts "},
    {"ffmpeg_stated_lengths", FFMPEG VIDEO TONE "-t 3 " X264 "-c:a aac -omit_video_pes_length 0 -f mpegts "},
    {"ffmpeg_h265_opus", FFMPEG VIDEO TONE "-t 3 " X265 "-c:a libopus -f mpegts "},
    {"ffmpeg_ac3", FFMPEG VIDEO TONE "-t 3 " X264 "-c:a ac3 -f mpegts "},
    {"ffmpeg_eac3", FFMPEG TONE "-t 3 -c:a eac3 -f mpegts "},
    {"ffmpeg_video_alone", FFMPEG VIDEO "-t 3 " X264 "-f mpegts "},
    {"ffmpeg_audio_alone", FFMPEG TONE "-t 3 -c:a aac -f mpegts "},
    {"ffmpeg_44k_pat_flags",
     FFMPEG TONE "-t 3 -c:a aac -ar 44100 -pes_payload_size 700 -mpegts_flags +pat_pmt_at_frames -f mpegts "},
    {"ffmpeg_wrap", FFMPEG VIDEO TONE "-t 3 " X264 "-bf 2 -c:a aac -output_ts_offset 95442.7 -f mpegts "},
    {"gst_h264_aac", GST "mpegtsmux name=m alignment=7 ! filesink location= " GST_VIDEO
                         "x264enc key-int-max=25 ! h264parse ! m. " GST_TONE "voaacenc ! aacparse ! m."},
    {"gst_h265_opus", GST "mpegtsmux name=m alignment=7 ! filesink location= " GST_VIDEO
                          "x265enc key-int-max=25 ! h265parse ! m. " GST_TONE "opusenc ! opusparse ! m."},
};

constexpr Case kLossCases[] = {
    {"ffmpeg_h264_aac", FFMPEG VIDEO TONE "-t 1 " X264 "-bf 2 -c:a aac -f mpegts "},
    {"ffmpeg_stated_lengths", FFMPEG VIDEO TONE "-t 1 " X264 "-c:a aac -omit_video_pes_length 0 -f mpegts "},
    {"ffmpeg_h265_opus", FFMPEG VIDEO TONE "-t 1 " X265 "-c:a libopus -f mpegts "},
    {"ffmpeg_slices", FFMPEG VIDEO TONE "-t 1 " X264 "-x264-params slices=4 -c:a ac3 -f mpegts "},
};

// The file's name goes where the command has an empty location, or behind it.
std::string command_for(const Case& c, const std::string& path) {
  std::string command = c.command;
  constexpr std::string_view kLocation = "location= ";
  const size_t at = command.find(kLocation);
  if (at == std::string::npos) return command + path;
  return command.insert(at + kLocation.size() - 1, path);
}

struct Made {
  ByteVector stream;
  std::vector<headgate::test::Packet> probed;
  headgate::test::MediaFile remuxed;  // by ffmpeg, for the bytes
};

Made make(const Case& c) {
  headgate::test::ScratchDirectory directory;
  const std::string path = directory.path() + "/stream.ts";
  headgate::test::output_of(command_for(c, path));
  Made made;
  made.stream = read_file(path, kMaxFile).value();
  made.probed = headgate::test::probe_packets(path);
  made.remuxed = headgate::test::encode("-i " + path + " -c copy");
  return made;
}

void demux(Bytes stream, Recorder& recorder, size_t step = kMessage) {
  Demuxer demuxer(recorder);
  for (size_t at = 0; at < stream.size(); at += step)
    demuxer.feed(stream.subspan(at, std::min(step, stream.size() - at)));
  demuxer.flush();
}

uint16_t pid_of(const Recorder& recorder, codec::Kind kind) {
  for (const Stream& stream : recorder.programs.at(0))
    if (stream.kind == (kind == codec::Kind::video ? Kind::video : Kind::audio)) return stream.pid;
  return 0;
}

template <typename Packets>
std::vector<headgate::test::Packet> of_kind(const Packets& packets, codec::Kind kind) {
  std::vector<headgate::test::Packet> found;
  std::copy_if(packets.begin(), packets.end(), std::back_inserter(found),
               [kind](const headgate::test::Packet& packet) { return packet.kind == kind; });
  return found;
}

class Muxer : public testing::TestWithParam<Case> {};

void expect_time(std::optional<uint64_t> found, int64_t probed, bool counted) {
  ASSERT_TRUE(found);
  const int64_t off = (static_cast<int64_t>(*found) - probed) % static_cast<int64_t>(kTimeWrap);
  // ffprobe counts in rounded steps.
  EXPECT_LE(std::abs(off), counted ? 2 : 0) << *found << " for " << probed;
}

void expect_same_units(const Made& made, const Recorder& recorder, codec::Kind kind) {
  const auto probed = of_kind(made.probed, kind);
  const auto remuxed = of_kind(made.remuxed.packets, kind);
  const auto& track = kind == codec::Kind::video ? made.remuxed.video : made.remuxed.audio;
  if (probed.empty()) {
    EXPECT_EQ(pid_of(recorder, kind), 0);
    return;
  }
  const uint16_t pid = pid_of(recorder, kind);
  const auto found = recorder.of(pid);
  ASSERT_EQ(found.size(), probed.size());
  ASSERT_EQ(found.size(), remuxed.size());
  const auto config = std::find_if(recorder.configs.begin(), recorder.configs.end(),
                                   [pid](const auto& entry) { return entry.first == pid; });
  ASSERT_NE(config, recorder.configs.end());
  EXPECT_EQ(codec::codecs_string(config->second), codec::codecs_string(*track));
  EXPECT_EQ(config->second.width, track->width);
  EXPECT_EQ(config->second.sample_rate, track->sample_rate);
  EXPECT_EQ(config->second.channels, track->channels);
  codec::FrameHasher ours(config->second), theirs(*track);
  for (size_t i = 0; i < found.size(); ++i) {
    SCOPED_TRACE(i);
    const Unit& unit = found[i]->unit;
    expect_time(unit.pts, probed[i].pts, unit.counted_time);
    expect_time(unit.dts, probed[i].dts, unit.counted_time);
    EXPECT_EQ(unit.key, probed[i].key);
    EXPECT_FALSE(unit.after_loss);
    EXPECT_GT(found[i]->configs, 0u);
    EXPECT_EQ(to_hex(ours.hash(found[i]->data)), to_hex(theirs.hash(remuxed[i].data)));
    if (kind != codec::Kind::audio) continue;
    EXPECT_EQ(to_hex(found[i]->data), to_hex(remuxed[i].data));
  }
}

TEST_P(Muxer, GivesWhatFfprobeFinds) {
  const Made made = make(GetParam());
  ASSERT_GE(made.probed.size(), 20u);
  Recorder recorder;
  demux(made.stream, recorder);
  EXPECT_EQ(recorder.problems, std::vector<std::string>{});
  expect_same_units(made, recorder, codec::Kind::video);
  expect_same_units(made, recorder, codec::Kind::audio);
}

bool is_same(const Recorder::Got& a, const Recorder::Got& b) {
  return a.unit.pid == b.unit.pid && a.unit.pts == b.unit.pts && a.unit.dts == b.unit.dts &&
         a.unit.key == b.unit.key && a.data == b.data;
}

TEST_P(Muxer, HoweverItIsCut) {
  const Made made = make(GetParam());
  Recorder whole;
  demux(made.stream, whole);
  for (const size_t step : {size_t{1}, size_t{61}, kPacketBytes, size_t{1000}, made.stream.size()}) {
    Recorder recorder;
    demux(made.stream, recorder, step);
    ASSERT_EQ(recorder.units.size(), whole.units.size()) << step;
    for (size_t i = 0; i < whole.units.size(); ++i)
      ASSERT_TRUE(is_same(recorder.units[i], whole.units[i])) << step << ", unit " << i;
  }
}

// Of every stream, what came of the damaged one is what came of the whole one, less some units; where some
// are missing the next one says so.
void expect_less(const Recorder& whole, const Recorder& damaged, size_t most_missing) {
  for (const Stream& stream : whole.programs.at(0)) {
    const auto all = whole.of(stream.pid), some = damaged.of(stream.pid);
    ASSERT_LE(some.size(), all.size());
    EXPECT_LE(all.size() - some.size(), most_missing);
    size_t at = 0;
    for (const Recorder::Got* got : some) {
      const bool first = got == some.front();  // of what was before it, nothing is known
      const size_t before = at;
      while (at < all.size() && all[at]->data != got->data) ++at;
      ASSERT_LT(at, all.size()) << "pid " << stream.pid << ": a unit that was not sent";
      EXPECT_TRUE(at == before || first || got->unit.after_loss) << "pid " << stream.pid << ", unit " << at;
      ++at;
    }
  }
}

class Loss : public Muxer {};

TEST_P(Loss, OfAnyPacketCostsOnlyWhatItWasPartOf) {
  const Made made = make(GetParam());
  Recorder whole;
  demux(made.stream, whole);
  const size_t packets = made.stream.size() / kPacketBytes;
  for (size_t lost = 0; lost < packets; ++lost) {
    SCOPED_TRACE("packet " + std::to_string(lost));
    ByteVector stream = made.stream;
    const auto at = stream.begin() + static_cast<std::ptrdiff_t>(lost * kPacketBytes);
    stream.erase(at, at + static_cast<std::ptrdiff_t>(kPacketBytes));
    Recorder damaged;
    demux(stream, damaged);
    // A PES packet of ffmpeg's audio has up to 16 frames; the first picture of a GOP brings the parameter
    // sets.
    expect_less(whole, damaged, 25);
    if (testing::Test::HasFailure()) return;
  }
}

TEST_P(Loss, OfBytesCostsOnlyWhatTheyWerePartOf) {
  const Made made = make(GetParam());
  Recorder whole;
  demux(made.stream, whole);
  for (size_t at = 40 * kPacketBytes; at + 5000 < made.stream.size(); at += 977) {
    SCOPED_TRACE("byte " + std::to_string(at));
    ByteVector stream = made.stream;
    const auto from = stream.begin() + static_cast<std::ptrdiff_t>(at);
    stream.erase(from, from + static_cast<std::ptrdiff_t>(1 + at % 700));
    Recorder damaged;
    demux(stream, damaged, stream.size());
    expect_less(whole, damaged, 25);
    if (testing::Test::HasFailure()) return;
  }
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(All, Muxer, testing::ValuesIn(kCases), name_of);
INSTANTIATE_TEST_SUITE_P(Some, Loss, testing::ValuesIn(kLossCases), name_of);

}  // namespace
}  // namespace headgate::mpegts

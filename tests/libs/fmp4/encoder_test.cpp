// SPDX-License-Identifier: LGPL-2.1-or-later
// Real encoders in, independent readers out: what ffprobe and ffmpeg find in our files is what was put in.
#include <gtest/gtest.h>

#include <fstream>
#include <ostream>

#include <fmp4/reader.h>
#include <media_file.h>

#include "tracks.h"

namespace headgate::fmp4 {
namespace {

using codec::Kind;
using test::Packet;

struct Case {
  const char* name;
  const char* arguments;
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.name;
}

#define VIDEO "-f lavfi -i testsrc2=size=320x180:rate=25 "
#define NTSC "-f lavfi -i testsrc2=size=320x180:rate=30000/1001 "
#define TONE "-f lavfi -i sine=frequency=440:sample_rate=48000 "
#define X264 "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 50 "
#define X265 "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=50:bframes=3 -tag:v hvc1 "
#define BT2020 "-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc "

constexpr Case kCases[] = {
    {"no_b_frames_48k", VIDEO TONE "-t 4 " X264 "-bf 0 -c:a aac"},
    {"b_frames_44k", NTSC TONE "-t 4 " X264 "-bf 3 -x264-params b-pyramid=normal -c:a aac -ar 44100 -ac 2"},
    {"open_gop", VIDEO TONE "-t 4 " X264 "-bf 2 -x264-params open-gop=1 -c:a aac"},
    {"variable_rate",
     VIDEO TONE "-t 4 -vf select='not(mod(n\\,7))+lt(mod(n\\,25)\\,4)' -vsync vfr " X264 "-c:a aac"},
    {"video_alone", VIDEO "-t 4 " X264 "-bf 2"},
    {"audio_alone", TONE "-t 4 -c:a aac"},
    {"h265_and_ac3", VIDEO TONE "-t 2 " X265 "-c:a ac3 -ac 2"},
    {"h265_10_bit_and_eac3", VIDEO TONE "-t 2 -pix_fmt yuv420p10le " X265 BT2020 "-c:a eac3 -ac 6"},
    {"av1_and_opus", VIDEO TONE "-t 2 -c:v libaom-av1 -cpu-used 8 -g 50 -c:a libopus -ac 2"},
    {"vp9_and_flac",
     VIDEO TONE "-t 2 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 50 -c:a flac -strict -2"},
    {"opus_5_1", TONE "-t 4 -ac 6 -c:a libopus -mapping_family 1"},
    {"opus_60_ms", TONE "-t 4 -c:a libopus -frame_duration 60"},
    {"flac_96k", TONE "-t 4 -ar 96000 -sample_fmt s32 -c:a flac -strict -2"},
};

class Encoder : public testing::TestWithParam<Case> {
 protected:
  // The whole file, as an archive would have it.
  ByteVector package(const test::MediaFile& media) {
    const Presentation presentation{media.video, media.audio};
    ByteVector file = init_segment(presentation).value();
    Packager packager(presentation, {});
    const auto drain = [&] {
      while (const std::optional<Part> part = packager.next_part()) {
        const ByteVector bytes = test::joined(*part);
        file.insert(file.end(), bytes.begin(), bytes.end());
        EXPECT_TRUE(!part->starts_segment || part->independent);
      }
    };
    for (const Packet& packet : media.packets) {
      AccessUnit unit;
      unit.kind = packet.kind;
      unit.dts = packet.dts;
      unit.pts = packet.pts;
      unit.key = packet.key;
      unit.data = packet.data;
      EXPECT_TRUE(packager.push(std::move(unit)));
      drain();
    }
    packager.flush();
    drain();
    return file;
  }

  std::string write(Bytes bytes, const std::string& name = "file.mp4") {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return path;
  }

  test::ScratchDirectory directory_;
};

std::vector<Packet> of_kind(const std::vector<Packet>& packets, Kind kind) {
  std::vector<Packet> found;
  for (const Packet& packet : packets)
    if (packet.kind == kind) found.push_back(packet);
  return found;
}

void expect_same(const std::vector<Packet>& sent, const std::vector<Packet>& found, size_t count) {
  ASSERT_EQ(found.size(), count);
  for (size_t i = 0; i < count; ++i) {
    EXPECT_EQ(found[i].dts, sent[i].dts) << i;
    EXPECT_EQ(found[i].pts, sent[i].pts) << i;
    EXPECT_EQ(found[i].key, sent[i].key) << i;
  }
}

// What ffprobe says of a file's streams, without what comes from the file's layout.
std::string streams_of(const std::string& path) {
  return test::output_of(
      "ffprobe -v error -show_entries stream=codec_name,codec_tag_string,profile,level,width,height,pix_fmt,"
      "color_range,color_space,color_transfer,color_primaries,sample_rate,channels,channel_layout,"
      "bits_per_raw_sample -of compact " +
      path);
}

TEST_P(Encoder, ComesBackFromFfprobe) {
  const test::MediaFile media = test::encode(GetParam().arguments);
  ASSERT_GE(media.packets.size(), 40u);
  const std::string source = write(media.bytes, "source.mp4"), path = write(package(media), "file.mp4");
  EXPECT_EQ(streams_of(path), streams_of(source));
  const std::vector<Packet> found = test::probe_packets(path);
  for (const Kind kind : {Kind::video, Kind::audio}) {
    const std::vector<Packet> sent = of_kind(media.packets, kind);
    expect_same(sent, of_kind(found, kind), sent.size());
  }
  EXPECT_EQ(test::output_of("ffmpeg -nostdin -v error -xerror -i " + path + " -f null - 2>&1"), "");
  const Presentation presentation{media.video, media.audio};
  const ByteVector init = init_segment(presentation).value();
  const Result<InitInfo> info = read_init(source_of(init));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->presentation, presentation);
}

// Wherever writing stops, what was written whole can be read. (Not by ffmpeg 5.1 when the end lies between
// the children of a moof: it then refuses the file. docs/packaging.md.)
class CutFile : public Encoder {};

TEST_P(CutFile, KeepsItsWholeChunks) {
  const test::MediaFile media = test::encode(GetParam().arguments);
  const ByteVector file = package(media);
  const Source source = source_of(file);
  ChunkWalker walker(source, read_init(source)->length);
  size_t whole[2] = {};  // by kind
  while (const std::optional<ChunkInfo> chunk = walker.next()) {
    const uint32_t moof = ByteReader(Bytes(file).subspan(chunk->offset)).u32();
    const uint64_t in_payload = moof + (chunk->length - moof) / 2;
    for (const uint64_t more : {uint64_t{0}, uint64_t{16}, in_payload}) {
      // The first payload tells ffmpeg that there is media at all.
      if (whole[0] + whole[1] == 0) continue;
      const std::vector<Packet> found = test::probe_packets(write(Bytes(file).first(chunk->offset + more)));
      for (const Kind kind : {Kind::video, Kind::audio}) {
        const std::vector<Packet> sent = of_kind(media.packets, kind), back = of_kind(found, kind);
        const size_t count = whole[kind == Kind::audio];
        ASSERT_GE(back.size(), count) << chunk->offset << "+" << more;
        expect_same(sent, std::vector<Packet>(back.begin(), back.begin() + static_cast<ptrdiff_t>(count)),
                    count);
        if (more != in_payload) {
          EXPECT_EQ(back.size(), count);
        }
      }
    }
    whole[chunk->track_id == kAudioTrackId] += chunk->samples;
  }
  EXPECT_EQ(walker.end(), WalkEnd::complete) << walker.reason();
}

// The strings that ffmpeg's DASH muxer writes for the same streams. (It says no more than "hvc1" of H.265,
// for which tests/plugins has GStreamer's word, and spells FLAC as DASH does.)
TEST(CodecsString, IsWhatFfmpegSays) {
  const test::ScratchDirectory directory;
  for (const char* arguments :
       {VIDEO "-t 1 -c:v libaom-av1 -cpu-used 8",
        VIDEO "-t 1 -pix_fmt yuv420p10le " BT2020 "-c:v libaom-av1 -cpu-used 8",
        VIDEO "-t 1 -pix_fmt yuv420p -c:v libvpx-vp9 -deadline realtime -cpu-used 8",
        VIDEO "-t 1 -pix_fmt yuv420p10le -c:v libvpx-vp9 -deadline realtime -cpu-used 8",
        TONE "-t 1 -c:a libopus", TONE "-t 1 -c:a ac3", TONE "-t 1 -c:a eac3"}) {
    const test::MediaFile media = test::encode(arguments);
    const std::string source = directory.path() + "/source.mp4", mpd = directory.path() + "/list.mpd";
    std::ofstream(source, std::ios::binary)
        .write(reinterpret_cast<const char*>(media.bytes.data()),
               static_cast<std::streamsize>(media.bytes.size()));
    const std::string text =
        test::output_of("cd " + directory.path() + " && ffmpeg -nostdin -v error -y -i " + source +
                        " -c copy -f dash -dash_segment_type mp4 " + mpd + " && cat " + mpd);
    const std::string ours = codec::codecs_string(media.video ? *media.video : *media.audio);
    EXPECT_NE(text.find("codecs=\"" + ours + "\""), std::string::npos) << ours << text;
  }
}

std::string name_of(const testing::TestParamInfo<Case>& test) {
  return test.param.name;
}
INSTANTIATE_TEST_SUITE_P(Files, Encoder, testing::ValuesIn(kCases), name_of);
INSTANTIATE_TEST_SUITE_P(Files, CutFile, testing::Values(kCases[0], kCases[1]), name_of);

}  // namespace
}  // namespace headgate::fmp4

// SPDX-License-Identifier: LGPL-2.1-or-later
// Configuration records as ffmpeg 5.1's encoders and muxer wrote them (H.265 without x265's SEI); sizes,
// channels and rates are ffprobe's word. What is built from the stream itself is compared with them.
#include <gtest/gtest.h>

#include <ostream>

#include <base/encoding.h>
#include <codec/stream_config.h>
#include <codec/track.h>

namespace headgate::codec {
namespace {

ByteVector hex(std::string_view text) {
  return from_hex(text).value();
}

Result<Track> read_vpcc(Bytes record) {
  return track_from_vpcc(record, 318, 180);
}

struct RecordCase {
  const char* name;
  Result<Track> (*read)(Bytes record);
  const char* record;
  Codec codec;
  uint32_t width, height, frame_rate_milli;
  Colour colour;
  const char* codecs;
};
std::ostream& operator<<(std::ostream& out, const RecordCase& c) {
  return out << c.name;
}

const RecordCase kVideo[] = {
    {"h265",
     track_from_hvcc,
     "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c95940"
     "9"
     "a10001002a42010101600000030090000003000003003ca00a080c1d4f965654a4c2f0168080000003008000000c84a2000100"
     "064401c073c189",
     Codec::h265,
     318,
     180,
     25000,
     {},
     "hvc1.1.6.L60.90"},
    {"h265_main10_pq",
     track_from_hvcc,
     "0102200000009000000000003cf000fcfdfafa00000f03a00001001840010c01ffff02200000030090000003000003003c95940"
     "9"
     "a10001002f42010102200000030090000003000003003ca00a080c1d4ed965654a4c2f016a122012080000030008000003"
     "00c840a2000100064401c073c189",
     Codec::h265,
     318,
     180,
     25000,
     {9, 16, 9, false},
     "hvc1.2.4.L60.90"},
    {"av1",
     track_from_av1c,
     "81000c000a0b000000043cf6ccdaf90040",
     Codec::av1,
     318,
     180,
     0,
     {},
     "av01.0.00M.08"},
    {"av1_10_bit_pq",
     track_from_av1c,
     "81004c000a0e000000043cf6cc02f85091009040",
     Codec::av1,
     318,
     180,
     0,
     {9, 16, 9, false},
     "av01.0.00M.10.0.110.09.16.09.0"},
    {"vp9", read_vpcc, "000b820202020000", Codec::vp9, 318, 180, 0, {}, "vp09.00.11.08"},
    {"vp9_of_the_box", read_vpcc, "01000000000b820202020000", Codec::vp9, 318, 180, 0, {}, "vp09.00.11.08"},
    {"vp9_444",
     read_vpcc,
     "010b860101010000",
     Codec::vp9,
     318,
     180,
     0,
     {1, 1, 1, false},
     "vp09.01.11.08.03.01.01.01.00"},
};

class VideoRecord : public testing::TestWithParam<RecordCase> {};

TEST_P(VideoRecord, SaysWhatItSays) {
  const RecordCase& c = GetParam();
  const Result<Track> track = c.read(hex(c.record));
  ASSERT_TRUE(track) << track.error().message;
  EXPECT_EQ(track->codec, c.codec);
  EXPECT_EQ(track->kind, Kind::video);
  EXPECT_EQ(track->timescale, 90000u);
  EXPECT_EQ(track->width, c.width);
  EXPECT_EQ(track->height, c.height);
  EXPECT_EQ(track->frame_rate_milli, c.frame_rate_milli);
  EXPECT_EQ(track->colour, c.colour);
  EXPECT_EQ(codecs_string(*track), c.codecs);
  EXPECT_TRUE(to_hex(hex(c.record)).ends_with(to_hex(track->config)));
}

TEST_P(VideoRecord, RefusesEveryCutAndSaysWhy) {
  const ByteVector record = hex(GetParam().record);
  for (size_t length = 0; length < record.size(); ++length) {
    const Result<Track> track = GetParam().read(Bytes(record).first(length));
    if (track && GetParam().codec == Codec::av1) continue;  // trailing bits are all that is missing
    // A vpcC box without its last fields is a record of the size of one.
    if (track && length == 8 && GetParam().codec == Codec::vp9) continue;
    ASSERT_FALSE(track) << length;
    EXPECT_FALSE(track.error().message.empty());
  }
}

TEST_P(VideoRecord, AnyFlippedBitIsRefusedOrStaysWithinLimits) {
  const ByteVector record = hex(GetParam().record);
  for (size_t bit = 0; bit < record.size() * 8; ++bit) {
    ByteVector flipped = record;
    flipped[bit / 8] ^= static_cast<std::byte>(0x80 >> bit % 8);
    const Result<Track> track = GetParam().read(flipped);
    if (!track) continue;
    EXPECT_GT(track->width, 0u);
    EXPECT_LE(track->width, 16384u);
    EXPECT_GT(track->height, 0u);
    EXPECT_LE(track->height, 16384u);
    EXPECT_FALSE(codecs_string(*track).empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Encoders, VideoRecord, testing::ValuesIn(kVideo),
                         [](const auto& test) { return std::string(test.param.name); });

struct AudioCase {
  const char* name;
  Result<Track> (*read)(Bytes record);
  const char* record;
  Codec codec;
  uint32_t timescale, channels, frame_samples;
  const char* codecs;
  const char* config;  // where it is not the record
};
std::ostream& operator<<(std::ostream& out, const AudioCase& c) {
  return out << c.name;
}

const AudioCase kAudio[] = {
    {"opus", track_from_dops, "000201380000bb80000000", Codec::opus, 48000, 2, 0, "opus", nullptr},
    {"opus_5_1", track_from_dops, "000601380000bb800000010402000401020305", Codec::opus, 48000, 6, 0, "opus",
     nullptr},
    {"opus_head", track_from_opus_head,
     "4f70757348656164010238"
     "0180bb0000000000",
     Codec::opus, 48000, 2, 0, "opus", "000201380000bb80000000"},
    {"ac3", track_from_dac3, "101140", Codec::ac3, 48000, 2, 1536, "ac-3", nullptr},
    {"ac3_5_1_44k", track_from_dac3, "503de0", Codec::ac3, 44100, 6, 1536, "ac-3", nullptr},
    {"eac3_5_1", track_from_dec3, "0e00200f00", Codec::eac3, 48000, 6, 1536, "ec-3", nullptr},
    {"flac", track_from_flac, "800000221200120000025800051b0bb802f00000bb80a316b305f13b13fe767b3d0d068f95bc",
     Codec::flac, 48000, 2, 4608, "fLaC", nullptr},
    {"flac_stream", track_from_flac,
     "664c6143000000221200120000025800051b0bb802f00000bb80a316b305f13b13fe767b3d0d068f95bc", Codec::flac,
     48000, 2, 4608, "fLaC", "800000221200120000025800051b0bb802f00000bb80a316b305f13b13fe767b3d0d068f95bc"},
    {"flac_bare", track_from_flac, "1200120000025800051b0bb802f00000bb80a316b305f13b13fe767b3d0d068f95bc",
     Codec::flac, 48000, 2, 4608, "fLaC",
     "800000221200120000025800051b0bb802f00000bb80a316b305f13b13fe767b3d0d068f95bc"},
    {"flac_96k_5_1", track_from_flac,
     "800000222000200000"
     "064f00089417700af000017700e2ebc69aedab7ec31d0a09ef0bd1d035",
     Codec::flac, 96000, 6, 8192, "fLaC", nullptr},
};

class AudioRecord : public testing::TestWithParam<AudioCase> {};

TEST_P(AudioRecord, SaysWhatItSays) {
  const AudioCase& c = GetParam();
  const Result<Track> track = c.read(hex(c.record));
  ASSERT_TRUE(track) << track.error().message;
  EXPECT_EQ(track->codec, c.codec);
  EXPECT_EQ(track->kind, Kind::audio);
  EXPECT_EQ(track->timescale, c.timescale);
  EXPECT_EQ(track->sample_rate, c.timescale);
  EXPECT_EQ(track->channels, c.channels);
  EXPECT_EQ(track->frame_samples, c.frame_samples);
  EXPECT_EQ(codecs_string(*track), c.codecs);
  EXPECT_EQ(to_hex(track->config), c.config ? c.config : c.record);
}

TEST_P(AudioRecord, RefusesEveryCutAndSaysWhy) {
  const ByteVector record = hex(GetParam().record);
  for (size_t length = 0; length < record.size(); ++length) {
    const Result<Track> track = GetParam().read(Bytes(record).first(length));
    ASSERT_FALSE(track) << length;
    EXPECT_FALSE(track.error().message.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Encoders, AudioRecord, testing::ValuesIn(kAudio),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Records, SayWhatIsWrong) {
  struct Wrong {
    Result<Track> (*read)(Bytes record);
    const char* record;
    const char* message;
  };
  const Wrong cases[] = {
      {track_from_hvcc, "02600000009000000000003cf000fcfdf8f800000f0300", "hvcC: version 2"},
      {track_from_hvcc, "0101600000009000000000003cf000fcfdf8f800000e00",
       "hvcC: NAL unit lengths of 3 bytes"},
      {track_from_hvcc, "0101600000009000000000003cf000fcfdf8f800000f00", "hvcC: no sequence parameter set"},
      {track_from_hvcc, "0101600000009000000000003cf000fcfdf8f800000f01a1000100024001",
       "hvcC: array 0, NAL unit 0: of type 32"},
      {track_from_av1c, "01000c00", "av1C: not of version 1"},
      {track_from_av1c, "81000c00", "av1C: no sequence header"},
      {track_from_av1c, "81000c000a7f00", "av1C: what should be OBUs is not"},
      {read_vpcc, "040b820202020000", "vpcC: profile 4"},
      {read_vpcc, "000b920202020000", "vpcC: bit depth 9"},
      {read_vpcc, "000b820202020001", "vpcC: initialization data, which VP9 has none of"},
      {track_from_dops, "000001380000bb80000000", "Opus: no channels"},
      {track_from_dops, "000301380000bb80000000", "Opus: mapping family 0 with 3 channels"},
      {track_from_dops, "000201380000bb8000000101020001", "Opus: 1 streams, 2 coupled"},
      {track_from_dops, "000201380000bb8000000101010002",
       "Opus: channel 1 is mapped to a stream that is not there"},
      {track_from_opus_head, "4f70757348656165010238", "Opus: no OpusHead"},
      {track_from_opus_head, "4f707573486561641102380180bb0000000000",
       "Opus: OpusHead of an unknown version"},
      {track_from_dac3, "f01140", "dac3: reserved sampling rate"},
      {track_from_flac, "664c614304000000", "FLAC: the first block is not a STREAMINFO"},
      {track_from_flac,
       "1200120000025800051b00000"
       "2f00000bb80a316b305f13b13fe767b3d0d068f95bc",
       "FLAC: sample rate of 0"},
  };
  for (const Wrong& wrong : cases) {
    const Result<Track> track = wrong.read(hex(wrong.record));
    EXPECT_EQ(track ? "" : track.error().message, wrong.message) << wrong.record;
  }
}

TEST(Records, OpusGoesBackToOgg) {
  const ByteVector head = hex("4f707573486561640102380180bb0000000000");
  EXPECT_EQ(opus_head_of(track_from_opus_head(head).value()), head);
  EXPECT_EQ(to_hex(opus_head_of(track_from_dops(hex("000601380000bb800000010402000401020305")).value())),
            "4f7075734865616401063801"
            "80bb000000000104020004010203"
            "05");
}

}  // namespace
}  // namespace headgate::codec

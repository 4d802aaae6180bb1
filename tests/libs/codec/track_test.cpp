// SPDX-License-Identifier: LGPL-2.1-or-later
// Configuration records as encoders wrote them; what they mean is ffprobe's word, not ours.
#include <gtest/gtest.h>

#include <ostream>

#include <base/encoding.h>
#include <codec/track.h>

namespace headgate::codec {
namespace {

ByteVector hex(std::string_view text) {
  return from_hex(text).value();
}

struct AvcCase {
  const char* name;
  const char* avcc;
  uint32_t width, height, frame_rate_milli;
  const char* codecs;
};
std::ostream& operator<<(std::ostream& out, const AvcCase& c) {
  return out << c.name;
}

class Avc : public testing::TestWithParam<AvcCase> {};

// x264's, some told to keep a constant frame rate. The last is "high" without the bytes behind the PPS, as
// GStreamer 1.22's x264enc has it.
constexpr AvcCase kAvcCases[] = {
    {"high", "0164001effe1001a6764001eacd940a02ff97011000003000100000300328f162d9601000668ebe3cb22c0fdf8f800",
     640, 360, 25000, "avc1.64001e"},
    {"main_1080_ntsc", "014d4028ffe10018674d4028eca03c0113f2e022000007d20001d4c11e30632c01000568ebe3cb20",
     1920, 1080, 29970, "avc1.4d4028"},
    {"interlaced",
     "0164001effe100186764001eacd940b424d8088000000300800000190f8a14cb01000668fba3cb22c0fdf8f800", 720, 576,
     0, "avc1.64001e"},
    {"high_422_10",
     "017a000dffe1001b677a000db6cd941519e222f011000003000100000300320f14299601000668ebe3cb22c0fefafa00", 322,
     182, 0, "avc1.7a000d"},
    {"high_444_scaling_lists",
     "01f4000dffe1001b67f4000d919b282a33c7c6e022000003000200000300641e28532c01000868ebe3c44c000440fff8f800",
     322, 180, 0, "avc1.f4000d"},
    {"baseline_sar", "0142c015ffe100196742c015d901419ea7c084000003000400000301903c58b92001000568cb83cb20",
     318, 180, 0, "avc1.42c015"},
    {"high_without_extension",
     "0164001effe1001a6764001eacd940a02ff97011000003000100000300328f162d9601000668ebe3cb22c0", 640, 360,
     25000, "avc1.64001e"},
};

TEST_P(Avc, SaysWhatTheSpsSays) {
  const AvcCase& c = GetParam();
  const ByteVector config = hex(c.avcc);
  const Result<Track> track = track_from_avcc(config);
  ASSERT_TRUE(track) << track.error().message;
  EXPECT_EQ(track->codec, Codec::h264);
  EXPECT_EQ(track->kind, Kind::video);
  EXPECT_EQ(track->timescale, 90000u);
  EXPECT_EQ(track->width, c.width);
  EXPECT_EQ(track->height, c.height);
  EXPECT_EQ(track->frame_rate_milli, c.frame_rate_milli);
  EXPECT_EQ(track->config, config);
  EXPECT_EQ(codecs_string(*track), c.codecs);
}

// Nothing but the VUI and what stands behind the PPS may be missing.
TEST_P(Avc, RefusesEveryCut) {
  const ByteVector config = hex(GetParam().avcc);
  const size_t sps_length = std::to_integer<size_t>(config[6]) << 8 | std::to_integer<size_t>(config[7]);
  const size_t pps_at = 8 + sps_length + 1;
  const size_t pps_length =
      std::to_integer<size_t>(config[pps_at]) << 8 | std::to_integer<size_t>(config[pps_at + 1]);
  for (size_t length = 0; length < pps_at + 2 + pps_length; ++length) {
    const Result<Track> track = track_from_avcc(Bytes(config).first(length));
    ASSERT_FALSE(track) << length;
    EXPECT_TRUE(track.error().message.starts_with("avcC: ")) << track.error().message;
  }
}

TEST_P(Avc, AnyFlippedBitIsRefusedOrStaysWithinLimits) {
  const ByteVector config = hex(GetParam().avcc);
  for (size_t bit = 0; bit < config.size() * 8; ++bit) {
    ByteVector flipped = config;
    flipped[bit / 8] ^= static_cast<std::byte>(0x80 >> bit % 8);
    const Result<Track> track = track_from_avcc(flipped);
    if (!track) continue;
    EXPECT_GT(track->width, 0u);
    EXPECT_LE(track->width, 16384u);
    EXPECT_GT(track->height, 0u);
    EXPECT_LE(track->height, 16384u);
    EXPECT_TRUE(codecs_string(*track).starts_with("avc1."));
  }
}

INSTANTIATE_TEST_SUITE_P(Encoders, Avc, testing::ValuesIn(kAvcCases),
                         [](const auto& test) { return std::string(test.param.name); });

// The profile in the record's own copy is often the one that was asked for, not the one that was made.
TEST(AvcConfig, TheSpsHasTheLastWordOnTheProfile) {
  ByteVector config = hex(kAvcCases[1].avcc);
  config[1] = std::byte{100};
  EXPECT_EQ(codecs_string(track_from_avcc(config).value()), "avc1.4d4028");
}

struct Wrong {
  const char* config;
  const char* message;
};

TEST(AvcConfig, SaysWhatIsWrong) {
  const Wrong cases[] = {
      {"", "avcC: ends too early"},
      {"0064001effe1", "avcC: version 0"},
      {"0164001efee1", "avcC: NAL unit lengths of 3 bytes"},
      {"0164001effe0", "avcC: no sequence parameter set"},
      {"0164001effe10000", "avcC: SPS 0: empty"},
      {"0164001effe1000168", "avcC: SPS 0: NAL unit of type 8"},
      {"0142c015ffe100196742c015d901419ea7c084000003000400000301903c58b92000",
       "avcC: no picture parameter set"},
      {"0142c015ffe100196742c015d901419ea7c084000003000400000301903c58b920",
       "avcC: ends before its picture parameter sets"},
      {"0142c015ffe100046742c01501000168", "avcC: SPS 0: ends too early"},
      {"0142c015ffe100196742c015d901419ea7c084000003000400000301903c58b920010001e8",
       ""},  // forbidden_zero_bit set, but still a PPS
  };
  for (const Wrong& wrong : cases) {
    const Result<Track> track = track_from_avcc(hex(wrong.config));
    EXPECT_EQ(track ? "" : track.error().message, wrong.message) << wrong.config;
  }
  const Result<Track> huge = track_from_avcc(ByteVector(kMaxConfigBytes + 1));
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().message, "avcC: 4097 bytes, more than 4096");
}

struct AscCase {
  const char* name;
  const char* asc;
  uint32_t timescale, sample_rate, channels, frame_samples;
  const char* codecs;
};
std::ostream& operator<<(std::ostream& out, const AscCase& c) {
  return out << c.name;
}

class Asc : public testing::TestWithParam<AscCase> {};

constexpr AscCase kAscCases[] = {
    // ffmpeg's
    {"lc_48k_stereo", "119056e500", 48000, 48000, 2, 1024, "mp4a.40.2"},
    {"lc_44k_mono", "120856e500", 44100, 44100, 1, 1024, "mp4a.40.2"},
    {"lc_5_1", "11b056e500", 48000, 48000, 6, 1024, "mp4a.40.2"},
    {"lc_7_1", "11b856e500", 48000, 48000, 8, 1024, "mp4a.40.2"},
    {"pce_quad", "118004c4040021100d4c61766335392e33372e31303056e500", 48000, 48000, 4, 1024, "mp4a.40.2"},
    {"pce_6_1", "118004c848002000c4400d4c61766335392e33372e31303056e500", 48000, 48000, 7, 1024, "mp4a.40.2"},
    {"lowest_rate", "160856e500", 7350, 7350, 1, 1024, "mp4a.40.2"},
    // RTMP senders leave the extension out.
    {"lc_bare", "1190", 48000, 48000, 2, 1024, "mp4a.40.2"},
    // ISO/IEC 14496-3, 1.6.2.1, by hand: frameLengthFlag; a rate in 24 bits (12345 Hz); hierarchical SBR and
    // PS;
    // the same two behind the core's configuration, backward compatible.
    {"lc_960", "1194", 48000, 48000, 2, 960, "mp4a.40.2"},
    {"escape_rate", "1780181c88", 12345, 12345, 1, 1024, "mp4a.40.2"},
    {"he_aac", "2b118800", 24000, 48000, 2, 1024, "mp4a.40.5"},
    {"he_aac_v2", "eb098800", 24000, 48000, 2, 1024, "mp4a.40.29"},
    {"he_aac_compatible", "131056e598", 24000, 48000, 2, 1024, "mp4a.40.2"},
    {"he_aac_v2_compatible", "130856e59d4880", 24000, 48000, 2, 1024, "mp4a.40.2"},
};

TEST_P(Asc, SaysWhatItSays) {
  const AscCase& c = GetParam();
  const ByteVector config = hex(c.asc);
  const Result<Track> track = track_from_asc(config);
  ASSERT_TRUE(track) << track.error().message;
  EXPECT_EQ(track->codec, Codec::aac);
  EXPECT_EQ(track->kind, Kind::audio);
  EXPECT_EQ(track->timescale, c.timescale);
  EXPECT_EQ(track->sample_rate, c.sample_rate);
  EXPECT_EQ(track->channels, c.channels);
  EXPECT_EQ(track->frame_samples, c.frame_samples);
  EXPECT_EQ(track->config, config);
  EXPECT_EQ(codecs_string(*track), c.codecs);
}

TEST_P(Asc, CutsAreRefusedOrStillHaveChannels) {
  const ByteVector config = hex(GetParam().asc);
  for (size_t length = 0; length < config.size(); ++length) {
    const Result<Track> track = track_from_asc(Bytes(config).first(length));
    if (length < 2) {
      EXPECT_FALSE(track);
    }
    if (track) {
      EXPECT_GT(track->channels, 0u);
      EXPECT_GT(track->timescale, 0u);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Encoders, Asc, testing::ValuesIn(kAscCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(AscConfig, SaysWhatIsWrong) {
  const Wrong cases[] = {
      {"", "AudioSpecificConfig: ends too early"},
      {"f946408c00",
       "AudioSpecificConfig: audio object type 42 is not supported (AAC Main, LC, SSR, LTP and HE-AAC over "
       "them are)"},
      {"1690", "AudioSpecificConfig: reserved sampling frequency"},
      {"11c0", "AudioSpecificConfig: channel configuration 8 has no channels"},
      {"1180", "AudioSpecificConfig: ends too early"},  // configuration 0 without a PCE
      {"1180000000000000", "AudioSpecificConfig: channel configuration 0 has no channels"},
  };
  for (const Wrong& wrong : cases) {
    const Result<Track> track = track_from_asc(hex(wrong.config));
    EXPECT_EQ(track ? "" : track.error().message, wrong.message) << wrong.config;
  }
}

TEST(Mjpeg, SaysItsSizeWithinLimits) {
  const Result<Track> track = mjpeg_track(320, 180);
  ASSERT_TRUE(track) << track.error().message;
  EXPECT_EQ(track->kind, Kind::video);
  EXPECT_EQ(track->width, 320u);
  EXPECT_EQ(track->height, 180u);
  EXPECT_TRUE(track->config.empty());
  EXPECT_EQ(codecs_string(*track), "mjpg");
  EXPECT_FALSE(mjpeg_track(0, 180));
  EXPECT_FALSE(mjpeg_track(320, 0));
  EXPECT_FALSE(mjpeg_track(16385, 180));
}

}  // namespace
}  // namespace headgate::codec

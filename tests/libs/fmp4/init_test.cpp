// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <fmp4/reader.h>

#include "boxes.h"
#include "tracks.h"

namespace headgate::fmp4 {
namespace {

using test::audio_track;
using test::box_at;
using test::video_track;

constexpr char kTrackBoxes[] =
    "moov/trak\nmoov/trak/tkhd\nmoov/trak/mdia\nmoov/trak/mdia/mdhd\nmoov/trak/mdia/hdlr\nmoov/trak/mdia/"
    "minf\n";
constexpr char kTableBoxes[] =
    "moov/trak/mdia/minf/dinf\nmoov/trak/mdia/minf/dinf/dref\nmoov/trak/mdia/minf/stbl\n"
    "moov/trak/mdia/minf/stbl/stsd\nmoov/trak/mdia/minf/stbl/stts\nmoov/trak/mdia/minf/stbl/stsc\n"
    "moov/trak/mdia/minf/stbl/stsz\nmoov/trak/mdia/minf/stbl/stco\n";

TEST(InitSegment, BoxOrder) {
  const ByteVector bytes = init_segment({video_track(), audio_track()}).value();
  EXPECT_EQ(test::paths(bytes), std::string("ftyp\nmoov\nmoov/mvhd\n") + kTrackBoxes +
                                    "moov/trak/mdia/minf/vmhd\n" + kTableBoxes + kTrackBoxes +
                                    "moov/trak/mdia/minf/smhd\n" + kTableBoxes +
                                    "moov/mvex\nmoov/mvex/trex\nmoov/mvex/trex\n");
}

TEST(InitSegment, Brands) {
  EXPECT_EQ(as_text(box_at(init_segment({video_track(), audio_track()}).value(), "ftyp").body),
            std::string_view("iso6\0\0\0\0iso6mp41", 16));
  for (const Presentation& single : {Presentation{video_track(), {}}, Presentation{{}, audio_track()}})
    EXPECT_EQ(as_text(box_at(init_segment(single).value(), "ftyp").body),
              std::string_view("iso6\0\0\0\0iso6mp41cmfccmf2", 24));
}

TEST(InitSegment, LanguageIsUndetermined) {
  const ByteVector bytes = init_segment({video_track(), {}}).value();
  ByteReader mdhd(box_at(bytes, "moov/trak/mdia/mdhd").body);
  mdhd.skip(12);
  EXPECT_EQ(mdhd.u32(), 90000u);
  mdhd.skip(4);
  EXPECT_EQ(mdhd.u16(), 0x55c4);
}

TEST(InitSegment, SameMediaSameBytes) {
  const Presentation presentation{video_track(), audio_track()};
  EXPECT_EQ(init_segment(presentation).value(), init_segment(presentation).value());
}

TEST(InitSegment, RefusesWhatItCannotWrite) {
  EXPECT_FALSE(init_segment({}));
  codec::Track bare = audio_track();
  bare.config.clear();
  const Result<ByteVector> refused = init_segment({video_track(), bare});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "a track without a decoder configuration");
  codec::Track sizeless = video_track();
  sizeless.width = 0;
  const Result<ByteVector> too = init_segment({sizeless, {}});
  ASSERT_FALSE(too);
  EXPECT_EQ(too.error().message, "a video track of unknown size");
}

class InitForms : public testing::TestWithParam<Presentation> {};

TEST_P(InitForms, ReadsBack) {
  const ByteVector bytes = init_segment(GetParam()).value();
  ByteVector more = bytes;
  more.resize(bytes.size() + 100);
  for (const ByteVector& form : {bytes, more}) {
    const Result<InitInfo> info = read_init(source_of(form));
    ASSERT_TRUE(info) << info.error().message;
    EXPECT_EQ(info->presentation, GetParam());
    EXPECT_EQ(info->length, bytes.size());
  }
}

TEST_P(InitForms, RefusesEveryCut) {
  const ByteVector bytes = init_segment(GetParam()).value();
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(read_init(source_of(Bytes(bytes).first(length)))) << length;
}

codec::Track long_configuration() {
  codec::Track track = audio_track();
  track.config.resize(300);  // descriptors need two length bytes
  return track;
}

ByteVector hex(std::string_view text) {
  return from_hex(text).value();
}

// Records that ffmpeg's encoders and muxer wrote.
std::vector<Presentation> other_codecs() {
  const auto h265 = codec::track_from_hvcc(hex(
      "0102200000009000000000003cf000fcfdfafa00000f03a00001001840010c01ffff02200000030090000003000003003c95"
      "9409a10001002f42010102200000030090000003000003003ca00a080c1d4ed965654a4c2f016a1220120800000300080000"
      "0300c840a2000100064401c073c189"));
  const auto av1 = codec::track_from_av1c(hex("81004c000a0e000000043cf6cc02f85091009040"));
  const auto vp9 = codec::track_from_vpcc(hex("010b860101010000"), 318, 180);
  const auto opus = codec::track_from_dops(hex("000601380000bb800000010402000401020305"));
  const auto ac3 = codec::track_from_dac3(hex("503de0"));
  const auto eac3 = codec::track_from_dec3(hex("0e00200f00"));
  const auto flac =
      codec::track_from_flac(hex("1200120000025800051b0bb802f00000bb80a316b305f13b13fe767b3d0d068f95bc"));
  return {{h265.value(), ac3.value()},
          {av1.value(), opus.value()},
          {vp9.value(), flac.value()},
          {{}, eac3.value()},
          {codec::mjpeg_track(320, 180).value(), {}}};
}

// What ffprobe does not tell: boxes that are FullBoxes, and the colour.
TEST(InitSegment, ConfigurationBoxes) {
  const auto entry_of = [](const Presentation& presentation, size_t fields) {
    const ByteVector bytes = init_segment(presentation).value();
    const Bytes stsd = box_at(bytes, "moov/trak/mdia/minf/stbl/stsd").body;
    return to_hex(stsd.subspan(16 + fields));
  };
  constexpr size_t kVisual = 78, kAudio = 28;
  const std::vector<Presentation> all = other_codecs();
  EXPECT_EQ(entry_of({all[1].video, {}}, kVisual),
            "0000001c"
            "61763143"
            "81004c000a0e000000043cf6cc02f85091009040"
            "00000013"
            "636f6c72"
            "6e636c7800090010000900");
  EXPECT_EQ(entry_of({all[2].video, {}}, kVisual),
            "00000014"
            "76706343"
            "01000000"
            "010b860101010000"
            "00000013"
            "636f6c72"
            "6e636c7800010001000100");
  EXPECT_EQ(entry_of({{}, all[0].audio}, kAudio),
            "0000000b"
            "64616333"
            "503de0");
  EXPECT_EQ(entry_of({{}, all[3].audio}, kAudio),
            "0000000d"
            "64656333"
            "0e00200f00");
  EXPECT_EQ(entry_of({{}, all[1].audio}, kAudio),
            "0000001b"
            "644f7073"
            "000601380000bb800000010402000401020305");
  EXPECT_EQ(entry_of({{}, all[2].audio}, kAudio),
            "00000032"
            "64664c61"
            "00000000"
            "800000221200120000025800051b0bb802f00000bb80a316b305f13b13fe767b3d0d068f95bc");
}

// A JPEG says all of itself.
TEST(InitSegment, PicturesHaveNoConfiguration) {
  const ByteVector bytes = init_segment({other_codecs()[4].video, {}}).value();
  const Bytes stsd = box_at(bytes, "moov/trak/mdia/minf/stbl/stsd").body;
  constexpr size_t kEntry = 8, kHeader = 8, kVisual = 78;
  EXPECT_EQ(as_text(stsd.subspan(kEntry + 4, 4)), "mjpg");
  EXPECT_EQ(stsd.size(), kEntry + kHeader + kVisual);
  codec::Track configured = other_codecs()[4].video.value();
  configured.config = hex("00");
  EXPECT_FALSE(init_segment({configured, {}}));
}

// VP9's record and a JPEG have no size; the entry's is a stranger's.
class EntrySize : public testing::TestWithParam<std::pair<size_t, const char*>> {};

TEST_P(EntrySize, IsWithinLimits) {
  const ByteVector good = init_segment({other_codecs()[GetParam().first].video, {}}).value();
  const size_t width_at = as_text(good).find(GetParam().second) + 4 + 24;
  for (const auto& [high, low] : {std::pair{0, 0}, std::pair{0xff, 0xff}}) {
    ByteVector bad = good;
    bad[width_at] = static_cast<std::byte>(high);
    bad[width_at + 1] = static_cast<std::byte>(low);
    EXPECT_FALSE(read_init(source_of(bad)));
  }
  EXPECT_TRUE(read_init(source_of(good)));
}

INSTANTIATE_TEST_SUITE_P(All, EntrySize, testing::Values(std::pair{2, "vp09"}, std::pair{4, "mjpg"}));
INSTANTIATE_TEST_SUITE_P(OtherCodecs, InitForms, testing::ValuesIn(other_codecs()));
INSTANTIATE_TEST_SUITE_P(Forms, InitForms,
                         testing::Values(Presentation{video_track(), audio_track()},
                                         Presentation{video_track(), {}}, Presentation{{}, audio_track()},
                                         Presentation{{}, long_configuration()}));

}  // namespace
}  // namespace headgate::fmp4

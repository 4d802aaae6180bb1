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
  codec::Track later = video_track();
  later.codec = codec::Codec::h265;
  const Result<ByteVector> refused = init_segment({later, audio_track()});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "only H.264 and AAC can be written to fragmented MP4 so far");
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

INSTANTIATE_TEST_SUITE_P(Forms, InitForms,
                         testing::Values(Presentation{video_track(), audio_track()},
                                         Presentation{video_track(), {}}, Presentation{{}, audio_track()},
                                         Presentation{{}, long_configuration()}));

}  // namespace
}  // namespace headgate::fmp4

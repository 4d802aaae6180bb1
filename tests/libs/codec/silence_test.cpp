// SPDX-License-Identifier: LGPL-2.1-or-later
// Frames of silence; that decoders take them for such was ffmpeg's word.
#include <gtest/gtest.h>

#include <base/encoding.h>
#include <codec/silence.h>

namespace headgate::codec {
namespace {

Track of_asc(const char* hex) {
  return track_from_asc(from_hex(hex).value()).value();
}

std::string silent(const Track& track) {
  const auto frame = silent_frame(track);
  return frame ? to_hex(frame->data) : "none";
}

TEST(Silence, AacOfEveryLayout) {
  EXPECT_EQ(silent(of_asc("1188")), "00000007");      // one channel
  EXPECT_EQ(silent(of_asc("1190")), "21000000001c");  // two
  const auto frame = silent_frame(of_asc("1190"));
  EXPECT_EQ(frame->samples, 1024u);
  EXPECT_EQ(silent_frame(of_asc("1194"))->samples, 960u);  // frameLengthFlag
  for (const char* asc : {"1198", "11a0", "11a8", "11b0", "11b8"})
    EXPECT_NE(silent(of_asc(asc)), "none") << asc;
}

TEST(Silence, HeAacIsItsCores) {
  const Track track = of_asc("2b118800");  // SBR, 24 kHz over 48 kHz
  const auto frame = silent_frame(track);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->samples, 1024u);
}

TEST(Silence, Opus) {
  // OpusSpecificBox: version, channels, pre-skip, rate, gain, family.
  const Track stereo = track_from_dops(from_hex("000201380000bb80000000").value()).value();
  const auto frame = silent_frame(stereo);
  ASSERT_TRUE(frame);
  EXPECT_EQ(to_hex(frame->data), "fcfffe");
  EXPECT_EQ(frame->samples, 960u);
  const Track mono = track_from_dops(from_hex("000101380000bb80000000").value()).value();
  EXPECT_EQ(silent(mono), "f8fffe");
}

TEST(Silence, NotOfOthers) {
  EXPECT_EQ(silent(of_asc("0990")), "none");  // AAC Main
  EXPECT_EQ(silent(track_from_dac3(from_hex("101140").value()).value()), "none");
  // Opus of mapping family 1.
  const auto surround = track_from_dops(from_hex("000601380000bb800000010402000401020305").value()).value();
  EXPECT_EQ(silent(surround), "none");
}

}  // namespace
}  // namespace headgate::codec

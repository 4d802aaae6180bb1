// SPDX-License-Identifier: LGPL-2.1-or-later
// What is said of a rung before there is anything of it, and while there is little.
#include <gtest/gtest.h>
#include <playlist/multivariant.h>
#include <playlist/rendition_index.h>

#include "records.h"

namespace headgate::playlist {
namespace {

// A player would take a variant with the codec of its sound alone for one that has no pictures.
TEST(Multivariant, WithoutTheCodecOfItsPicturesAVariantHasNoneAtAll) {
  const Variant rung{
      .uri = "480p/media.m3u8", .bandwidth = 900'000, .width = 854, .height = 480, .takes_audio = true};
  Multivariant all{.variants = {rung}, .audio = AudioRendition{.uri = "audio.m3u8", .codecs = "mp4a.40.2"}};
  EXPECT_EQ(multivariant_playlist(all).find("CODECS"), std::string::npos) << multivariant_playlist(all);
  all.variants[0].codecs = "avc1.64001f";
  EXPECT_NE(multivariant_playlist(all).find("CODECS=\"avc1.64001f,mp4a.40.2\""), std::string::npos)
      << multivariant_playlist(all);
}

// A scene that stands still takes little. What comes next may take what was promised.
TEST(Multivariant, ARungsRateIsWhatItsEncoderPromisesUntilItTakesMore) {
  StreamIndex source;
  source.add(test::run("20261121T050000Z-n01-0001", 0, 0));
  source.add(test::init("aa", "r1/0.mp4"));
  RenditionIndex rung;
  EXPECT_EQ(rung.bandwidth(), 0u);
  RenditionRecord promise;
  promise.width = 854;
  promise.height = 480;
  promise.bandwidth = 900'000;
  rung.add(promise, source);
  EXPECT_EQ(rung.bandwidth(), 900'000u);
  rung.add(test::run("20261121T050000Z-n01-0101", 0, 0), source);
  rung.add(test::init("cc", "derived/480p/r/0.mp4"), source);
  for (uint64_t msn = 0; msn < 2; ++msn) {
    SegmentRecord made = test::segment(msn, static_cast<double>(2 * msn), 2, "cc", "derived/480p/r/0.mp4");
    source.add(test::segment(msn, static_cast<double>(2 * msn)));
    rung.follow(source);
    made.length = msn == 0 ? 10'000 : 500'000;
    rung.add(made, source);
    EXPECT_EQ(rung.bandwidth(), msn == 0 ? 900'000u : 2'000'000u) << msn;
    EXPECT_EQ(variant_of(rung, "media.m3u8", false)->bandwidth, rung.bandwidth());
  }
}

// A scene that stands still has a low average, and goes on with what the encoder was told to keep.
TEST(Multivariant, ARungsAverageIsWhatItsEncoderPromisesUntilItHasEnded) {
  StreamIndex source;
  source.add(test::run("20261121T050000Z-n01-0001", 0, 0));
  source.add(test::init("aa", "r1/0.mp4"));
  source.add(test::segment(0, 0));
  RenditionIndex rung;
  RenditionRecord promise;
  promise.bandwidth = 900'000;
  promise.average_bandwidth = 600'000;
  rung.add(promise, source);
  rung.add(test::run("20261121T050000Z-n01-0101", 0, 0), source);
  rung.add(test::init("cc", "derived/480p/r/0.mp4"), source);
  SegmentRecord made = test::segment(0, 0, 2, "cc", "derived/480p/r/0.mp4");
  made.length = 10'000;
  rung.add(made, source);
  const auto live = variant_of(rung, "media.m3u8", false), whole = variant_of(rung, "media.m3u8", true);
  EXPECT_EQ(live->average_bandwidth, 600'000u);
  EXPECT_EQ(live->bandwidth, 900'000u);
  EXPECT_EQ(whole->average_bandwidth, 40'000u);
  EXPECT_EQ(whole->bandwidth, 40'000u);
}

}  // namespace
}  // namespace headgate::playlist

// SPDX-License-Identifier: LGPL-2.1-or-later
// What the reader makes of a playlist's text.
#include <gtest/gtest.h>

#include "files.h"

namespace headgate {
namespace {

using conformance::kSecond;
using conformance::MediaPlaylist;

TEST(M3u8, ReadsALivePlaylist) {
  const MediaPlaylist live = test::media_playlist(test::file_text("playlists/live.m3u8"));
  EXPECT_EQ(live.version, 6u);
  EXPECT_EQ(live.needed_version, 6u);
  EXPECT_EQ(live.target_s, 4u);
  EXPECT_TRUE(live.independent);
  ASSERT_EQ(live.segments.size(), 6u);
  EXPECT_EQ(live.segments[0].msn, 10u);
  EXPECT_EQ(live.segments[0].resource.uri, "10.m4s");
  EXPECT_EQ(live.segments[0].duration, 4 * kSecond);
  EXPECT_EQ(live.segments[2].discontinuity, 2u);
  EXPECT_EQ(live.segments[3].discontinuity, 3u);
  EXPECT_TRUE(live.segments[3].discontinuous);
  EXPECT_EQ(live.segments[3].map->uri, "init-b.mp4");
  EXPECT_EQ(*live.segments[1].date - *live.segments[0].date, 4 * kSecond);
  EXPECT_EQ(*live.segments[0].date, 1767323040 * kSecond);
  EXPECT_EQ(live.next_msn(), 16u);
  EXPECT_EQ(live.duration(), 24 * kSecond);
  EXPECT_EQ(live.last(), (MediaPlaylist::Position{15, std::nullopt}));
}

TEST(M3u8, ReadsParts) {
  const MediaPlaylist low = test::media_playlist(test::file_text("playlists/low-latency.m3u8"));
  EXPECT_EQ(low.part_target, kSecond);
  ASSERT_TRUE(low.control);
  EXPECT_TRUE(low.control->can_block);
  EXPECT_EQ(low.control->part_hold_back, 3 * kSecond);
  EXPECT_EQ(low.segments.back().parts.size(), 4u);
  EXPECT_EQ(low.open.msn, 110u);
  ASSERT_EQ(low.open.parts.size(), 2u);
  EXPECT_TRUE(low.open.parts[0].independent);
  EXPECT_TRUE(low.open.date);
  EXPECT_EQ(low.hints.at(0).uri, "110.2.m4s");
  EXPECT_EQ(low.reports.at(0).msn, 110u);
  EXPECT_EQ(low.last(), (MediaPlaylist::Position{110, 1}));
  EXPECT_TRUE(low.reaches({110, 1}));
  EXPECT_TRUE(low.reaches({109, std::nullopt}));
  EXPECT_FALSE(low.reaches({110, 2}));
  EXPECT_FALSE(low.reaches({110, std::nullopt}));
}

// What is there without parts is there to its end.
TEST(M3u8, PositionsAreInOrder) {
  using Position = MediaPlaylist::Position;
  const Position in_order[] = {{96, std::nullopt}, {97, 0}, {97, 3}, {97, std::nullopt}, {98, 0}};
  for (size_t i = 0; i < std::size(in_order); ++i)
    for (size_t j = 0; j < std::size(in_order); ++j)
      EXPECT_EQ(in_order[i] < in_order[j], i < j) << i << " " << j;
}

TEST(M3u8, ContinuesByteRanges) {
  const MediaPlaylist vod = test::media_playlist(test::file_text("playlists/vod.m3u8"));
  EXPECT_EQ(vod.segments[0].resource.range, (conformance::ByteRange{1000, 800}));
  EXPECT_EQ(vod.segments[3].resource.range, (conformance::ByteRange{1000, 3800}));
  EXPECT_EQ(vod.segments[0].map->range, (conformance::ByteRange{800, 0}));
  EXPECT_TRUE(vod.ended);
}

TEST(M3u8, ReadsVariants) {
  const conformance::Parsed parsed =
      conformance::parse_playlist(test::file_text("playlists/multivariant.m3u8"));
  ASSERT_TRUE(parsed.multivariant);
  const auto& variants = parsed.multivariant->variants;
  ASSERT_EQ(variants.size(), 4u);
  EXPECT_EQ(variants[0].uri, "720p.m3u8");
  EXPECT_EQ(variants[0].bandwidth, 2500000u);
  EXPECT_EQ(variants[0].codecs, (std::vector<std::string>{"avc1.64001f", "mp4a.40.2"}));
  EXPECT_EQ(variants[0].resolution, (std::pair<uint64_t, uint64_t>{1280, 720}));
  EXPECT_EQ(variants[0].frame_rate, 25 * kSecond);
  EXPECT_EQ(variants[1].audio, "sound-low");
  EXPECT_TRUE(variants[3].iframes);
  EXPECT_EQ(variants[3].uri, "iframes.m3u8");
  EXPECT_EQ(parsed.multivariant->renditions.size(), 4u);
}

TEST(M3u8, LeavesAloneWhatItDoesNotKnow) {
  std::string text = test::file_text("playlists/live.m3u8");
  text += "#EXT-X-NEW-THING:A=1,,\n# a comment \n#EXTOTHER\n\n\n#EXT-X-PRELOAD-HINT:TYPE=FUTURE,URI=\"x\"\n";
  EXPECT_TRUE(test::media_playlist(text).hints.empty());
}

TEST(M3u8, TakesCarriageReturnsAndAMissingLastNewline) {
  std::string text = test::file_text("playlists/live.m3u8");
  text.pop_back();
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.replace(at, 1, "\r\n");
  EXPECT_EQ(test::media_playlist(text).segments.size(), 6u);
}

TEST(M3u8, TellsWhatIsNotUtf8) {
  const std::string text = test::file_text("playlists/live.m3u8");
  for (const char* bad : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xC2\x85", "\x01", "\xE2\x82"})
    EXPECT_EQ(test::ids(conformance::parse_playlist(text + "#" + bad + "\n").findings),
              std::set<std::string>{"text"});
  EXPECT_TRUE(conformance::parse_playlist(text + "# \xE2\x82\xAC \xF0\x9F\x8E\xA5\n").findings.empty());
  EXPECT_EQ(test::ids(conformance::parse_playlist("\xEF\xBB\xBF" + text).findings),
            std::set<std::string>{"text"});
}

TEST(M3u8, ReadsDatesWithZones) {
  const auto date = [](const std::string& text) {
    return conformance::parse_playlist("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PROGRAM-DATE-TIME:" + text +
                                       "\n#EXTINF:4,\na.ts\n")
        .media->segments.at(0)
        .date;
  };
  EXPECT_EQ(date("1970-01-01T00:00:00.000Z"), 0);
  EXPECT_EQ(date("2010-02-19T14:54:23.031+08:00"), 1266562463031000);
  EXPECT_EQ(date("2010-02-19T14:54:23.031+0800"), 1266562463031000);
  EXPECT_EQ(date("2024-02-29T23:59:60.5-01"), 1709254800500000);
  for (const char* bad :
       {"2010-2-19T14:54:23Z", "2010-02-19", "2010-02-19T14:54:23.Z", "2010-02-19T14:54:23+8:00", ""})
    EXPECT_FALSE(date(bad)) << bad;
}

TEST(M3u8, TooLargeIsNotRead) {
  const std::string text(conformance::kMaxPlaylistBytes + 1, '\n');
  const conformance::Parsed parsed = conformance::parse_playlist("#EXTM3U" + text);
  EXPECT_FALSE(parsed.media || parsed.multivariant);
  EXPECT_EQ(test::ids(parsed.findings), std::set<std::string>{"too-large"});
}

TEST(M3u8, WhatIsWrongOnEveryLineIsToldOftenEnough) {
  std::string text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n";
  for (int i = 0; i < 1000; ++i) text += "#EXTINF:x,\n";
  EXPECT_EQ(conformance::parse_playlist(text).findings.size(), conformance::kMaxFindings);
}

TEST(M3u8, NothingIsNoPlaylist) {
  for (const char* text : {"", "\n", "<html>", "#EXTM3"}) {
    const conformance::Parsed parsed = conformance::parse_playlist(text);
    EXPECT_FALSE(parsed.media || parsed.multivariant) << text;
    EXPECT_EQ(test::ids(parsed.findings), std::set<std::string>{"extm3u"}) << text;
  }
}

}  // namespace
}  // namespace headgate

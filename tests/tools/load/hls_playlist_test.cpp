// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <load/hls_playlist.h>

namespace headgate::load {
namespace {

TEST(HlsPlaylist, Multivariant) {
  auto playlist = parse_hls(
      "#EXTM3U\r\n#EXT-X-VERSION:7\r\n#EXT-X-STREAM-INF:CODECS=\"avc1.64001F,mp4a.40.2\",BANDWIDTH="
      "1500000\r\n"
      "media.m3u8\r\n#EXT-X-STREAM-INF:BANDWIDTH=64000\r\naudio.m3u8\r\n");
  ASSERT_TRUE(playlist) << playlist.error().message;
  ASSERT_EQ(playlist->variants.size(), 2u);
  EXPECT_EQ(playlist->variants[0].uri, "media.m3u8");
  EXPECT_EQ(playlist->variants[0].bandwidth, 1500000u);
  EXPECT_EQ(playlist->variants[1].bandwidth, 64000u);
}

TEST(HlsPlaylist, Media) {
  auto playlist = parse_hls(R"(#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:41
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-MAP:URI="init-1.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-09-14T06:00:00.500Z
#EXTINF:2.000,
41.m4s
#EXTINF:1.500,a title, with a comma
42.m4s
#EXT-X-GAP
#EXTINF:2,
43.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="init-2.mp4"
#EXTINF:2,
44.m4s
#EXT-X-ENDLIST
)");
  ASSERT_TRUE(playlist) << playlist.error().message;
  EXPECT_EQ(playlist->media_sequence, 41u);
  EXPECT_EQ(playlist->target_s, 2);
  EXPECT_TRUE(playlist->ended);
  ASSERT_EQ(playlist->segments.size(), 4u);
  EXPECT_DOUBLE_EQ(playlist->duration_s(), 7.5);
  int64_t start = 1'789'365'600'500'000;
  EXPECT_EQ(playlist->segments[0].start_us, start);
  EXPECT_EQ(playlist->segments[1].start_us, start + 2'000'000);
  EXPECT_EQ(playlist->segments[2].start_us, start + 3'500'000);
  EXPECT_FALSE(playlist->segments[3].start_us) << "a discontinuity breaks the clock";
  EXPECT_TRUE(playlist->segments[2].gap);
  EXPECT_FALSE(playlist->segments[3].gap);
  EXPECT_EQ(playlist->segments[1].map_uri, "init-1.mp4");
  EXPECT_EQ(playlist->segments[3].map_uri, "init-2.mp4");
}

TEST(HlsPlaylist, RefusesWhatItCannotPlay) {
  for (const char* bad :
       {"", "<html>", "#EXTM3U\n", "#EXTM3U\n#EXT-X-TARGETDURATION:x\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\na.m4s\n", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:,\na.m4s\n",
        "#EXTM3U\n#EXT-X-STREAM-INF:CODECS=\"a\"\nm.m3u8\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-BYTERANGE:1@2\n#EXTINF:2,\na.m4s\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PROGRAM-DATE-TIME:yesterday\n"})
    EXPECT_FALSE(parse_hls(bad)) << bad;
}

TEST(HlsPlaylist, DateTimes) {
  EXPECT_EQ(parse_date_time("1970-01-01T00:00:01Z"), 1'000'000);
  EXPECT_EQ(parse_date_time("1970-01-01T01:00:00.25+01:00"), 250'000);
  EXPECT_EQ(parse_date_time("1969-12-31T23:00:00.1234567-01:00"), 123'456);
  EXPECT_EQ(parse_date_time("2024-02-29T12:00:00.000+0000"), 1'709'208'000'000'000);
  EXPECT_FALSE(parse_date_time("2023-02-29T12:00:00Z"));
  EXPECT_FALSE(parse_date_time("2024-02-29T12:00:00"));
  EXPECT_FALSE(parse_date_time("2024-02-29"));
}

TEST(HlsPlaylist, Paths) {
  EXPECT_EQ(resolve_path("h:80", "/hls/1/index.m3u8", "media.m3u8"), "/hls/1/media.m3u8");
  EXPECT_EQ(resolve_path("h:80", "/hls/1/index.m3u8?a=/b", "media.m3u8?x=1"), "/hls/1/media.m3u8?x=1");
  EXPECT_EQ(resolve_path("h:80", "/hls/1/index.m3u8", "/other.m3u8"), "/other.m3u8");
  EXPECT_EQ(resolve_path("h:80", "/hls/1/index.m3u8", "../2/m.m3u8"), "/hls/2/m.m3u8");
  EXPECT_EQ(resolve_path("h:80", "/hls/1/index.m3u8", "http://h:80/x"), "/x");
  EXPECT_EQ(resolve_path("h:80", "/hls/1/index.m3u8", "s.ts?u=http://x"), "/hls/1/s.ts?u=http://x");
  EXPECT_FALSE(resolve_path("h:80", "/hls/1/index.m3u8", "http://h:8080/x"));
  EXPECT_FALSE(resolve_path("h:80", "/hls/1/index.m3u8", "https://h:80/x"));
}

}  // namespace
}  // namespace headgate::load

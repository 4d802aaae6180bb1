// SPDX-License-Identifier: LGPL-2.1-or-later
// Playlists as text, whole.
#include <gtest/gtest.h>

#include <playlist/hls.h>

#include "records.h"

namespace headgate::playlist {
namespace {

using test::init;
using test::run;
using test::segment;

// Two runs: a file rotation in the first, other codec parameters in the second.
StreamIndex two_runs(IndexSettings settings = {}, uint32_t max_segment_ms = 0) {
  StreamIndex index(settings);
  index.add(run("r1", 0, 0, test::kUtc, max_segment_ms));
  index.add(init("aa", "r1/0.mp4"));
  index.add(segment(0, 0));
  index.add(segment(1, 2, 2.048));
  index.add(init("aa", "r1/1.mp4"));
  index.add(segment(2, 4.048, 1.952, "aa", "r1/1.mp4"));
  index.add(EndRecord{"disconnect"});
  index.add(run("r2", 3, 1, test::kUtc + 11'250'000, max_segment_ms));
  index.add(init("bb", "r2/0.mp4"));
  index.add(segment(3, 11.25, 2, "bb", "r2/0.mp4"));
  return index;
}

TEST(MediaPlaylist, Live) {
  EXPECT_EQ(media_playlist(two_runs(), {}), R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init-aa.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:00.000Z
#EXTINF:2.000000,
0.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:02.000Z
#EXTINF:2.048000,
1.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:04.048Z
#EXTINF:1.952000,
2.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="init-bb.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:11.250Z
#EXTINF:2.000000,
3.m4s
)");
}

TEST(MediaPlaylist, DiscontinuitiesThatLeftAreCounted) {
  StreamIndex index = two_runs({.live_ms = 6000}, 2000);
  index.add(segment(4, 13.25, 2, "bb", "r2/0.mp4"));
  index.add(segment(5, 15.25, 2, "bb", "r2/0.mp4"));
  EXPECT_EQ(media_playlist(index, {.ended = true}), R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:3
#EXT-X-DISCONTINUITY-SEQUENCE:1
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init-bb.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:11.250Z
#EXTINF:2.000000,
3.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:13.250Z
#EXTINF:2.000000,
4.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:15.250Z
#EXTINF:2.000000,
5.m4s
#EXT-X-ENDLIST
)");
}

TEST(MediaPlaylist, ByteRangesOfFiles) {
  EXPECT_EQ(
      media_playlist(two_runs(),
                     {.type = PlaylistType::vod, .addressing = Addressing::byte_range, .prefix = "../st/"}),
      R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="../st/r1/0.mp4",BYTERANGE="1200@0"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:00.000Z
#EXTINF:2.000000,
#EXT-X-BYTERANGE:500000@1200
../st/r1/0.mp4
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:02.000Z
#EXTINF:2.048000,
#EXT-X-BYTERANGE:512000@501200
../st/r1/0.mp4
#EXT-X-MAP:URI="../st/r1/1.mp4",BYTERANGE="1200@0"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:04.048Z
#EXTINF:1.952000,
#EXT-X-BYTERANGE:488000@1001200
../st/r1/1.mp4
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="../st/r2/0.mp4",BYTERANGE="1200@0"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:11.250Z
#EXTINF:2.000000,
#EXT-X-BYTERANGE:500000@1501200
../st/r2/0.mp4
#EXT-X-ENDLIST
)");
}

// The replay reaches over a hole in the numbers, which a live playlist cannot.
TEST(MediaPlaylist, EventListsEverything) {
  StreamIndex index({.live_ms = 1});
  index.add(run("r1", 7, 4));
  index.add(init("aa", "r1/0.mp4"));
  index.add(segment(7, 0));
  index.add(run("r2", 20, 4, test::kUtc + 1));
  index.add(segment(20, 30));
  EXPECT_EQ(media_playlist(index, {.type = PlaylistType::event}), R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:4
#EXT-X-PLAYLIST-TYPE:EVENT
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init-aa.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:00.000Z
#EXTINF:2.000000,
7.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="init-aa.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:30.000Z
#EXTINF:2.000000,
20.m4s
)");
  EXPECT_EQ(media_playlist(index, {}), R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:20
#EXT-X-DISCONTINUITY-SEQUENCE:5
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init-aa.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:30.000Z
#EXTINF:2.000000,
20.m4s
)");
}

TEST(MediaPlaylist, SegmentsThatDependOnOthersAreNotCalledIndependent) {
  StreamIndex index = two_runs();
  SegmentRecord cut = segment(4, 13.25, 2, "bb", "r2/0.mp4");
  cut.independent = false;
  index.add(cut);
  EXPECT_EQ(media_playlist(index, {}).find("INDEPENDENT"), std::string::npos);
  // A promise that was withdrawn does not come back when the segment leaves.
  StreamIndex sliding({.window_ms = 1, .live_ms = 1});
  sliding.add(run("r1", 0, 0));
  sliding.add(init("aa", "r1/0.mp4"));
  for (uint64_t i = 0; i < 20; ++i) {
    SegmentRecord one = segment(i, static_cast<double>(i) * 2);
    one.independent = i != 3;
    sliding.add(one);
    EXPECT_EQ(media_playlist(sliding, {}).find("INDEPENDENT") != std::string::npos, i < 3);
  }
  EXPECT_GT(sliding.segments().front().record.msn, 3u);
}

TEST(MediaPlaylist, WithoutSegments) {
  constexpr char kEmpty[] =
      "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:9\n#EXT-X-INDEPENDENT-"
      "SEGMENTS\n";
  StreamIndex index;
  index.add(run("r1", 9, 0));
  EXPECT_EQ(media_playlist(index, {}), kEmpty);
}

TEST(MediaPlaylist, WithoutWallClock) {
  StreamIndex index;
  index.add(run("r1", 0, 0, 0));
  index.add(init("aa", "r1/0.mp4"));
  SegmentRecord record = segment(0, 0);
  record.utc_us = 0;
  index.add(record);
  EXPECT_EQ(media_playlist(index, {}).find("DATE"), std::string::npos);
}

// Names come from other processes: none may break out of its line or its quotes.
TEST(MediaPlaylist, NamesAreEscaped) {
  StreamIndex index;
  index.add(run("r1", 0, 0));
  InitRecord odd = init("a\"\n#", "x");
  odd.codecs = "avc1\",EVIL=\"\n";
  index.add(odd);
  index.add(segment(0, 0, 2, "a\"\n#", "r 1/\"\n#?%.mp4"));
  const std::string uris = media_playlist(index, {});
  EXPECT_NE(uris.find("#EXT-X-MAP:URI=\"init-a%22%0A%23.mp4\"\n"), std::string::npos) << uris;
  const std::string ranges = media_playlist(index, {.addressing = Addressing::byte_range});
  EXPECT_NE(ranges.find("\nr%201/%22%0A%23%3F%25.mp4\n"), std::string::npos) << ranges;
  EXPECT_NE(multivariant_playlist(index).find("CODECS=\"avc1,EVIL=\","), std::string::npos);
}

TEST(MediaPlaylist, DatesBeforeTheEpochAndRounding) {
  StreamIndex index;
  index.add(run("r1", 0, 0));
  index.add(init("aa", "r1/0.mp4"));
  SegmentRecord record = segment(0, 0);
  record.utc_us = -1;
  record.duration = 180001;
  index.add(record);
  const std::string text = media_playlist(index, {});
  EXPECT_NE(text.find("#EXT-X-PROGRAM-DATE-TIME:1969-12-31T23:59:59.999Z\n#EXTINF:2.000011,\n"),
            std::string::npos)
      << text;
}

TEST(MultivariantPlaylist, OneVariant) {
  EXPECT_EQ(multivariant_playlist(two_runs(), {.ended = true}), R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=2000000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970
media.m3u8
)");
}

// Players read it once: what follows may take more than what was seen.
TEST(MultivariantPlaylist, OfAStreamThatGoesOnMoreIsExpected) {
  const std::string text = multivariant_playlist(two_runs());
  EXPECT_NE(text.find("#EXT-X-STREAM-INF:BANDWIDTH=2500000,AVERAGE-BANDWIDTH=2200000,"), std::string::npos)
      << text;
}

// Without it players take pictures of high dynamic range for others, and whoever cannot show them chooses
// them.
TEST(MultivariantPlaylist, VideoRange) {
  for (const auto& [transfer, range] :
       {std::pair(kTransferPq, ",VIDEO-RANGE=PQ\n"), std::pair(kTransferHlg, ",VIDEO-RANGE=HLG\n")}) {
    StreamIndex index;
    index.add(run("r1", 0, 0));
    InitRecord hdr = init("aa", "r1/0.mp4");
    hdr.transfer = transfer;
    index.add(hdr);
    index.add(segment(0, 0));
    const std::string text = multivariant_playlist(index);
    EXPECT_NE(text.find(range), std::string::npos) << text;
  }
  EXPECT_EQ(multivariant_playlist(two_runs()).find("VIDEO-RANGE"), std::string::npos);
}

TEST(MultivariantPlaylist, AudioAlone) {
  StreamIndex index;
  index.add(run("r1", 0, 0));
  InitRecord audio;
  audio.id = "cc";
  audio.codecs = "mp4a.40.2";
  audio.channels = 2;
  index.add(audio);
  index.add(segment(0, 0, 2, "cc"));
  EXPECT_EQ(multivariant_playlist(index, {.media_uri = "a.m3u8"}), R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-STREAM-INF:BANDWIDTH=2500000,AVERAGE-BANDWIDTH=2200000,CODECS="mp4a.40.2"
a.m3u8
)");
}

TEST(MultivariantPlaylist, NothingToListYet) {
  StreamIndex index;
  EXPECT_EQ(multivariant_playlist(index), "");
  index.add(run("r1", 0, 0));
  index.add(init("aa", "r1/0.mp4"));
  EXPECT_EQ(multivariant_playlist(index), "");
}

}  // namespace
}  // namespace headgate::playlist

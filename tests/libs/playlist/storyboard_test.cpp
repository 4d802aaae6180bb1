// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <playlist/rendition_index.h>
#include <playlist/storyboard.h>

#include "records.h"

namespace headgate::playlist {
namespace {

using test::init;
using test::run;
using test::segment;

InitRecord pictures_init(const std::string& id, const std::string& file) {
  InitRecord track = init(id, file);
  track.codecs = kPictureCodec;
  track.width = 320;
  track.height = 180;
  return track;
}

// Segments 0 to 3, of 2 s but for one; and pictures of all but one of them, whose samples are shorter.
struct Indexes {
  StreamIndex stream;
  RenditionIndex pictures;
  explicit Indexes(uint64_t missing) {
    stream.add(run("r1", 0, 0));
    stream.add(init("aa", "r1/0.mp4"));
    pictures.add(run("p1", 0, 0), stream);
    pictures.add(pictures_init("pp", "p1/0.mp4"), stream);
    double at = 0;
    for (uint64_t msn = 0; msn < 4; ++msn) {
      const double length = msn == 1 ? 3.5 : 2;
      stream.add(segment(msn, at, length));
      pictures.follow(stream);
      if (msn != missing) pictures.add(segment(msn, at, 0.5, "pp", "p1/0.mp4"), stream);
      at += length;
    }
  }
};

TEST(Storyboard, ACueForEachPicture) {
  const Indexes all(9);
  EXPECT_EQ(storyboard(all.stream, all.pictures.index(), "pictures/"),
            "WEBVTT\n"
            "\n00:00:00.000 --> 00:00:02.000\npictures/0.jpg\n"
            "\n00:00:02.000 --> 00:00:05.500\npictures/1.jpg\n"
            "\n00:00:05.500 --> 00:00:07.500\npictures/2.jpg\n"
            "\n00:00:07.500 --> 00:00:09.500\npictures/3.jpg\n");
}

TEST(Storyboard, TimeGoesOnWhereAPictureIsMissing) {
  const Indexes some(1);
  EXPECT_EQ(storyboard(some.stream, some.pictures.index()),
            "WEBVTT\n"
            "\n00:00:00.000 --> 00:00:02.000\n0.jpg\n"
            "\n00:00:05.500 --> 00:00:07.500\n2.jpg\n"
            "\n00:00:07.500 --> 00:00:09.500\n3.jpg\n");
}

// As when pictures are kept for less long than the stream.
TEST(Storyboard, TimeIsTheStreamsWhereTheFirstPicturesAreGone) {
  const Indexes all(9);
  StreamIndex late;
  late.add(run("p1", 3, 0));
  late.add(init("pp", "p1/0.mp4"));
  late.add(segment(3, 7.5, 2, "pp", "p1/0.mp4"));
  EXPECT_EQ(storyboard(all.stream, late), "WEBVTT\n\n00:00:07.500 --> 00:00:09.500\n3.jpg\n");
}

TEST(Storyboard, LongStreamsHaveHours) {
  StreamIndex stream;
  stream.add(run("r1", 0, 0));
  stream.add(init("aa", "r1/0.mp4"));
  for (uint64_t msn = 0; msn < 30; ++msn) stream.add(segment(msn, 3600.0 * static_cast<double>(msn), 3600));
  const std::string text = storyboard(stream, stream);
  EXPECT_NE(text.find("\n26:00:00.000 --> 27:00:00.000\n26.jpg\n"), std::string::npos) << text;
}

TEST(Storyboard, WithoutPicturesItHasNoCue) {
  EXPECT_EQ(storyboard(Indexes(9).stream, StreamIndex()), "WEBVTT\n");
}

// A picture's own sample is shorter than its segment: what it lasts is told all the same.
TEST(PicturePlaylist, ListsTheSegmentsOfTheStream) {
  Indexes all(1);
  EXPECT_EQ(picture_playlist(all.pictures.index(), PlaylistType::event, false),
            "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:0\n"
            "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-I-FRAMES-ONLY\n"
            "#EXT-X-MAP:URI=\"init-pp.mp4\"\n"
            "#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:00.000Z\n#EXTINF:2.000000,\n0.m4s\n"
            "#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:02.000Z\n#EXT-X-GAP\n#EXTINF:3.500000,\n1.m4s\n"
            "#EXT-X-MAP:URI=\"init-pp.mp4\"\n"
            "#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:05.500Z\n#EXTINF:2.000000,\n2.m4s\n"
            "#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:07.500Z\n#EXTINF:2.000000,\n3.m4s\n");
}

TEST(PicturePlaylist, EndsWithTheStreamAndTellsDiscontinuities) {
  Indexes all(9);
  all.stream.add(playlist::EndRecord{"unpublish"});
  all.stream.add(run("r2", 4, 1, test::kUtc + 60'000'000));
  all.stream.add(init("bb", "r2/0.mp4"));
  SegmentRecord next = segment(4, 60, 2, "bb", "r2/0.mp4");
  next.discontinuity = true;
  all.stream.add(next);
  all.pictures.follow(all.stream);
  all.pictures.add(run("p2", 4, 1), all.stream);
  all.pictures.add(pictures_init("qq", "p2/0.mp4"), all.stream);
  all.pictures.add(segment(4, 60, 0.5, "qq", "p2/0.mp4"), all.stream);
  const std::string text = picture_playlist(all.pictures.index(), PlaylistType::live, true);
  const std::string last =
      "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-qq.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:01:00.000Z\n#EXTINF:2.000000,\n4.m4s\n#EXT-X-ENDLIST\n";
  EXPECT_TRUE(text.ends_with(last)) << text;
}

// Its segments leave with the stream's, and it says of delivery what the stream's playlists say.
TEST(PicturePlaylist, TheLiveOneKnowsDirectives) {
  StreamIndex stream({.window_ms = 180'000, .live_ms = 60'000});
  RenditionIndex pictures({.window_ms = 180'000, .live_ms = 60'000});
  stream.add(run("r1", 0, 0, test::kUtc, 2000, 550));
  stream.add(init("aa", "r1/0.mp4"));
  pictures.add(run("p1", 0, 0), stream);
  pictures.add(pictures_init("pp", "p1/0.mp4"), stream);
  for (uint64_t msn = 0; msn < 200; ++msn) {
    stream.add(segment(msn, 2.0 * static_cast<double>(msn)));
    pictures.follow(stream);
    PartRecord only = test::part(msn, 0);
    only.file = "p1/0.mp4";
    pictures.add(only, stream);
    EXPECT_FALSE(pictures.index().open_segment());
    pictures.add(segment(msn, 2.0 * static_cast<double>(msn), 0.5, "pp", "p1/0.mp4"), stream);
  }
  EXPECT_EQ(pictures.index().segments().front().record.msn, stream.segments().front().record.msn);
  EXPECT_EQ(pictures.index().live_begin(), stream.live_begin());
  MediaPlaylistSettings settings;
  settings.directives = settings.pictures = settings.skip = true;
  const std::string text = media_playlist(pictures.index(), settings);
  settings.pictures = false;
  const std::string of_stream = media_playlist(stream, settings);
  const auto control = [](const std::string& playlist) {
    const size_t at = playlist.find("#EXT-X-SERVER-CONTROL");
    return playlist.substr(at, playlist.find('\n', at) - at);
  };
  EXPECT_EQ(control(text), control(of_stream));
  EXPECT_NE(text.find("#EXT-X-I-FRAMES-ONLY\n"), std::string::npos);
  EXPECT_NE(text.find("#EXT-X-SKIP:SKIPPED-SEGMENTS=24\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("EXT-X-PART"), std::string::npos) << text;
  EXPECT_EQ(text.find("PRELOAD-HINT"), std::string::npos) << text;
}

TEST(PicturePlaylist, OfNoPicturesThereIsNone) {
  EXPECT_EQ(picture_playlist(StreamIndex(), PlaylistType::live, false), "");
}

// The third of four is twice as large; one lasts longer.
TEST(PictureVariant, CountsAPictureOverItsSegment) {
  Indexes all(9);
  StreamIndex pictures;
  pictures.add(run("p1", 0, 0));
  pictures.add(pictures_init("pp", "p1/0.mp4"));
  for (uint64_t msn = 0; msn < 4; ++msn) {
    SegmentRecord one = segment(msn, static_cast<double>(msn), 0.5, "pp", "p1/0.mp4");
    one.length = msn == 2 ? 20'000 : 10'000;
    pictures.add(one);
  }
  // 20 kB in 2 s; 50 kB in 9.5 s.
  EXPECT_EQ(picture_variant(all.stream, pictures, "pictures/media.m3u8"),
            "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=80000,AVERAGE-BANDWIDTH=42105,CODECS=\"mjpg\","
            "RESOLUTION=320x180,URI=\"pictures/media.m3u8\"\n");
  EXPECT_EQ(picture_variant(all.stream, StreamIndex(), "x"), "");
}

}  // namespace
}  // namespace headgate::playlist

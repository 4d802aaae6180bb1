// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <playlist/dash.h>
#include <playlist/rendition_index.h>
#include <playlist/storyboard.h>

#include <algorithm>
#include <set>
#include <vector>

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

// A stream of so many segments of 2 s, and the pictures of all of them but `missing`; those from `other` on
// are of another size.
struct Long {
  StreamIndex stream;
  RenditionIndex pictures;
  explicit Long(uint64_t count, std::vector<uint64_t> missing = {}, uint64_t other = 9999) {
    stream.add(run("r1", 0, 0));
    stream.add(init("aa", "r1/0.mp4"));
    pictures.add(run("p1", 0, 0), stream);
    pictures.add(pictures_init("pp", "p1/0.mp4"), stream);
    InitRecord upright = pictures_init("qq", "p1/0.mp4");
    upright.width = 180;
    upright.height = 320;
    pictures.add(upright, stream);
    for (uint64_t msn = 0; msn < count; ++msn) {
      const double at = 2.0 * static_cast<double>(msn);
      stream.add(segment(msn, at));
      pictures.follow(stream);
      if (std::count(missing.begin(), missing.end(), msn) == 0)
        pictures.add(segment(msn, at, 0.5, msn < other ? "pp" : "qq", "p1/0.mp4"), stream);
    }
  }
  std::string text() const { return storyboard(stream, pictures.index(), "p/"); }
};

TEST(Storyboard, OfAStreamThatGoesOnIsTheSameMadeOfWhatIsNew) {
  constexpr uint64_t kHours = 3600, kMore = 100;
  StreamIndex stream;
  RenditionIndex pictures;
  Storyboard kept;
  stream.add(run("r1", 0, 0));
  stream.add(init("aa", "r1/0.mp4"));
  pictures.add(run("p1", 0, 0), stream);
  pictures.add(pictures_init("pp", "p1/0.mp4"), stream);
  for (uint64_t msn = 0; msn < kHours + kMore; ++msn) {
    const double at = 2.0 * static_cast<double>(msn);
    stream.add(segment(msn, at));
    pictures.follow(stream);
    const auto is_the_same = [&] {
      if (msn < kHours) return true;
      return kept.text(stream, pictures.index(), "p/") == storyboard(stream, pictures.index(), "p/");
    };
    EXPECT_TRUE(is_the_same()) << msn << ", before its picture";
    if (msn % 7 != 3) pictures.add(segment(msn, at, 0.5, "pp", "p1/0.mp4"), stream);
    EXPECT_TRUE(is_the_same()) << msn;
  }
  EXPECT_LT(kept.looked_at(), kHours + 2 * kMore * (kSheetPictures + 2));
}

TEST(Storyboard, OfAnotherStreamIsMadeAnew) {
  const Long first(60), other(40, {2});
  Storyboard kept;
  EXPECT_EQ(kept.text(first.stream, first.pictures.index(), "p/"), first.text());
  kept.forget();
  EXPECT_EQ(kept.text(other.stream, other.pictures.index(), "p/"), other.text());
  // The numbers begin anew.
  StreamIndex over = first.stream;
  RenditionIndex pictures = first.pictures;
  kept.forget();
  kept.text(over, pictures.index(), "p/");
  over.add(run("r2", 0, 1));
  over.add(init("aa", "r1/0.mp4"));
  over.add(segment(0, 0, 3));
  pictures.follow(over);
  EXPECT_EQ(kept.text(over, pictures.index(), "p/"), storyboard(over, pictures.index(), "p/"));
  pictures.add(run("p2", 0, 0), over);
  pictures.add(pictures_init("pp", "p1/0.mp4"), over);
  pictures.add(segment(0, 0, 0.5, "pp", "p1/0.mp4"), over);
  EXPECT_EQ(kept.text(over, pictures.index(), "p/"), storyboard(over, pictures.index(), "p/"));
}

TEST(Sheets, TilesAreAQuarterOfAPicture) {
  EXPECT_EQ(tile_size(320, 180), (TileSize{4, 160, 90}));
  EXPECT_EQ(tile_size(180, 320), (TileSize{4, 90, 160}));
  EXPECT_EQ(tile_size(160, 90), (TileSize{8, 160, 90}));
  EXPECT_EQ(tile_size(64, 2), (TileSize{8, 64, 2}));
  EXPECT_EQ(tile_size(200, 113), (TileSize{6, 150, 85}));
  EXPECT_EQ(tile_size(1280, 1), (TileSize{1, 160, 1}));
  EXPECT_FALSE(tile_size(1281, 720));
  EXPECT_FALSE(tile_size(0, 180));
}

TEST(Sheets, OneIsThereWhenNoPictureOfItIsToCome) {
  EXPECT_FALSE(sheet_of(Long(24).pictures.index(), 0));
  const Long all(50, {3});
  const auto first = sheet_of(all.pictures.index(), 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->tile, (TileSize{4, 160, 90}));
  EXPECT_EQ(first->picture_width, 320u);
  EXPECT_EQ(first->pictures[3], nullptr);
  ASSERT_NE(first->pictures[24], nullptr);
  EXPECT_EQ(first->pictures[24]->record.msn, 24u);
  EXPECT_EQ(first->bytes, 24 * first->pictures[0]->record.length);
  EXPECT_TRUE(sheet_of(all.pictures.index(), 1));
  EXPECT_FALSE(sheet_of(all.pictures.index(), 2));
  EXPECT_FALSE(sheet_of(all.pictures.index(), UINT64_MAX / kSheetPictures));
  EXPECT_FALSE(sheet_of(StreamIndex(), 0));
}

TEST(Sheets, WithoutAnyPictureThereIsNone) {
  std::vector<uint64_t> missing;
  for (uint64_t msn = 25; msn < 50; ++msn) missing.push_back(msn);
  const Long all(60, missing);
  EXPECT_TRUE(sheet_of(all.pictures.index(), 0));
  EXPECT_FALSE(sheet_of(all.pictures.index(), 1));
}

TEST(Sheets, TilesAreOfOneSizeTheLastOnes) {
  const Long all(50, {}, 10);
  const auto first = sheet_of(all.pictures.index(), 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->tile, (TileSize{4, 90, 160}));
  EXPECT_EQ(first->pictures[9], nullptr);
  EXPECT_NE(first->pictures[10], nullptr);
  const std::string text = all.text();
  EXPECT_NE(text.find("p/9.jpg\n"), std::string::npos) << "by itself";
  EXPECT_NE(text.find("p/sheet-0.jpg#xywh=0,320,90,160\n"), std::string::npos) << text;
}

TEST(Storyboard, CuesAreTilesOfCompleteSheets) {
  const std::string text = Long(27).text();
  EXPECT_TRUE(
      text.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\np/sheet-0.jpg#xywh=0,0,160,90\n"
                       "\n00:00:02.000 --> 00:00:04.000\np/sheet-0.jpg#xywh=160,0,160,90\n"))
      << text;
  EXPECT_NE(text.find("\n00:00:10.000 --> 00:00:12.000\np/sheet-0.jpg#xywh=0,90,160,90\n"),
            std::string::npos);
  EXPECT_TRUE(
      text.ends_with("00:00:48.000 --> 00:00:50.000\np/sheet-0.jpg#xywh=640,360,160,90\n"
                     "\n00:00:50.000 --> 00:00:52.000\np/25.jpg\n"
                     "\n00:00:52.000 --> 00:00:54.000\np/26.jpg\n"))
      << text;
}

// A Period that begins within sheet 1, and has 2 and 3 whole.
TEST(DashSheets, APeriodHasThoseThatAreWhollyInIt) {
  const Long all(110);
  DashSettings settings{.everything = true, .pictures = &all.pictures.index()};
  EXPECT_NE(dash_manifest(all.stream, {}, settings)
                .find(R"(   <AdaptationSet id="3" contentType="image" mimeType="image/jpeg">
    <SegmentTemplate timescale="90000" presentationTimeOffset="0" startNumber="0" media="pictures/sheet-$Number$.jpg">
     <SegmentTimeline>
      <S t="0" d="4500000"/>
      <S t="4500000" d="4500000"/>
      <S t="9000000" d="4500000"/>
      <S t="13500000" d="4500000"/>
     </SegmentTimeline>
    </SegmentTemplate>
    <Representation id="pictures" bandwidth="500000" width="800" height="450">
     <EssentialProperty schemeIdUri="http://dashif.org/guidelines/thumbnail_tile" value="5x5"/>
    </Representation>
   </AdaptationSet>
)"),
            std::string::npos);
  StreamIndex late({.window_ms = 170'000, .live_ms = 160'000});
  late.add(run("r1", 0, 0));
  late.add(init("aa", "r1/0.mp4"));
  for (const Segment& segment : all.stream.segments()) late.add(segment.record);
  settings.everything = false;
  const std::string text = dash_manifest(late, {}, settings);
  EXPECT_NE(text.find("presentationTimeOffset=\"5400000\" startNumber=\"2\" media=\"pictures/"),
            std::string::npos)
      << text;
  settings.pictures = nullptr;
  EXPECT_EQ(dash_manifest(late, {}, settings).find("image/jpeg"), std::string::npos);
}

// $Number$ knows no holes.
TEST(DashSheets, OnlyTheNewestWithoutAHole) {
  std::vector<uint64_t> missing;
  for (uint64_t msn = 25; msn < 50; ++msn) missing.push_back(msn);
  const Long all(130, missing);
  const std::string text =
      dash_manifest(all.stream, {}, {.everything = true, .pictures = &all.pictures.index()});
  EXPECT_NE(text.find("startNumber=\"2\" media=\"pictures/"), std::string::npos) << text;
  EXPECT_EQ(dash_manifest(all.stream, {}, {.everything = true, .pictures = nullptr}).find("pictures/"),
            std::string::npos);
  const Long few(24);
  EXPECT_EQ(
      dash_manifest(few.stream, {}, {.everything = true, .pictures = &few.pictures.index()}).find("image/"),
      std::string::npos);
}

// Two hours: 144 sheets are all that a storyboard asks for.
TEST(Storyboard, TwoHoursAreAFewSheets) {
  const std::string text = Long(3600).text();
  std::set<std::string> addresses;
  for (size_t at = 0; (at = text.find("\np/", at)) != std::string::npos; ++at)
    addresses.insert(text.substr(at + 1, text.find_first_of("#\n", at + 1) - at - 1));
  EXPECT_EQ(addresses.size(), 144u);
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
  EXPECT_EQ(picture_variant(all.stream, pictures, "pictures/media.m3u8", true),
            "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=80000,AVERAGE-BANDWIDTH=42105,CODECS=\"mjpg\","
            "RESOLUTION=320x180,URI=\"pictures/media.m3u8\"\n");
  // Of those that follow twice as much is expected.
  const std::string live = picture_variant(all.stream, pictures, "pictures/media.m3u8", false);
  EXPECT_NE(live.find("INF:BANDWIDTH=160000,AVERAGE-BANDWIDTH=46315,"), std::string::npos) << live;
  EXPECT_EQ(picture_variant(all.stream, StreamIndex(), "x", false), "");
}

}  // namespace
}  // namespace headgate::playlist

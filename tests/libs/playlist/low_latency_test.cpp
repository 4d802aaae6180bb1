// SPDX-License-Identifier: LGPL-2.1-or-later
// Playlists of a server that knows the delivery directives (RFC 8216bis), as text, whole.
#include <gtest/gtest.h>

#include <playlist/hls.h>
#include <playlist/live_playlist.h>

#include "records.h"

namespace headgate::playlist {
namespace {

using test::init;
using test::part;
using test::run;
using test::segment;

const MediaPlaylistSettings kDirectives{.directives = true};

void add_segment(StreamIndex& index, uint64_t msn) {
  for (uint32_t i = 0; i < 4; ++i) index.add(part(msn, i));
  index.add(segment(msn, static_cast<double>(msn) * 2));
}

// Segments 0 to `count` - 1, of two seconds in four parts; the target duration is two seconds as well.
StreamIndex stream(uint64_t count, IndexSettings settings = {}) {
  StreamIndex index(settings);
  index.add(run("r1", 0, 0, test::kUtc, 2000, 550));
  index.add(init("aa", "r1/0.mp4"));
  for (uint64_t msn = 0; msn < count; ++msn) add_segment(index, msn);
  return index;
}

TEST(LowLatency, PartsStandBeforeTheirSegmentAndAtTheEnd) {
  StreamIndex index = stream(2);
  index.add(part(2, 0));
  index.add(part(2, 1));
  EXPECT_EQ(media_playlist(index, kDirectives), R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.000,HOLD-BACK=6.000,PART-HOLD-BACK=1.650
#EXT-X-PART-INF:PART-TARGET=0.550
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init-aa.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:00.000Z
#EXT-X-PART:DURATION=0.500000,URI="0.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.500000,URI="0.1.m4s"
#EXT-X-PART:DURATION=0.500000,URI="0.2.m4s"
#EXT-X-PART:DURATION=0.500000,URI="0.3.m4s"
#EXTINF:2.000000,
0.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:02.000Z
#EXT-X-PART:DURATION=0.500000,URI="1.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.500000,URI="1.1.m4s"
#EXT-X-PART:DURATION=0.500000,URI="1.2.m4s"
#EXT-X-PART:DURATION=0.500000,URI="1.3.m4s"
#EXTINF:2.000000,
1.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:04.000Z
#EXT-X-PART:DURATION=0.500000,URI="2.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.500000,URI="2.1.m4s"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="2.2.m4s"
)");
}

TEST(LowLatency, ARunThatFollowsBeginsWithItsDiscontinuity) {
  StreamIndex index = stream(1);
  index.add(EndRecord{"disconnect"});
  const std::string gone = media_playlist(index, kDirectives);
  EXPECT_TRUE(gone.ends_with("#EXTINF:2.000000,\n0.m4s\n")) << "nothing is hinted while nobody sends\n"
                                                            << gone;
  index.add(run("r2", 1, 1, test::kUtc + 60'000'000, 2000, 550));
  EXPECT_TRUE(media_playlist(index, kDirectives)
                  .ends_with("\n0.m4s\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"1.0.m4s\"\n"));
  index.add(init("bb", "r2/0.mp4"));
  PartRecord first = part(1, 0);
  first.file = "r2/0.mp4";
  first.pts = 60 * test::kSecond;
  first.utc_us = test::kUtc + 60'000'000;
  index.add(first);
  constexpr char kEnd[] = R"(
0.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="init-bb.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:01:00.000Z
#EXT-X-PART:DURATION=0.500000,URI="1.0.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="1.1.m4s"
)";
  EXPECT_TRUE(media_playlist(index, kDirectives).ends_with(kEnd)) << media_playlist(index, kDirectives);
}

TEST(LowLatency, PartsOfTheLastThreeTargetDurationsAreListed) {
  StreamIndex index = stream(5);
  index.add(part(5, 0));
  const std::string text = media_playlist(index, kDirectives);
  EXPECT_EQ(text.find("\"2.3.m4s\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"3.0.m4s\""), std::string::npos) << text;
}

TEST(LowLatency, ADeltaUpdateLeavesOutWhatIsBehindTheSkipBoundary) {
  StreamIndex index = stream(3);
  index.add(EndRecord{"disconnect"});
  index.add(run("r2", 3, 1, test::kUtc + 6'000'000, 2000, 550));
  index.add(init("bb", "r2/0.mp4"));
  for (uint64_t msn = 3; msn < 10; ++msn)
    index.add(segment(msn, static_cast<double>(msn) * 2, 2, "bb", "r2/0.mp4"));
  MediaPlaylistSettings skip = kDirectives;
  skip.skip = true;
  // 20 s, the boundary lies at 8 s: four segments end before it or there.
  const std::string text = media_playlist(index, skip);
  EXPECT_TRUE(text.starts_with(R"(#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.000,HOLD-BACK=6.000,PART-HOLD-BACK=1.650
#EXT-X-PART-INF:PART-TARGET=0.550
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-SKIP:SKIPPED-SEGMENTS=4
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:08.000Z
#EXTINF:2.000000,
4.m4s
)")) << text;
  EXPECT_TRUE(media_playlist(index, kDirectives).ends_with(text.substr(text.find("#EXT-X-PROGRAM"))));
  // The tags of the first one that is not left out stay.
  index = stream(1);
  index.add(EndRecord{"disconnect"});
  index.add(run("r2", 1, 1, test::kUtc + 2'000'000, 2000, 550));
  index.add(init("bb", "r2/0.mp4"));
  for (uint64_t msn = 1; msn < 7; ++msn)
    index.add(segment(msn, static_cast<double>(msn) * 2, 2, "bb", "r2/0.mp4"));
  EXPECT_NE(
      media_playlist(index, skip)
          .find("#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-bb.mp4\"\n"),
      std::string::npos)
      << media_playlist(index, skip);
}

// Sound ends a frame before its pictures here: six segments of it are no twelve seconds.
TEST(LowLatency, WhatIsLeftOutIsCountedByWhatThePlaylistLists) {
  const StreamIndex index = stream(10);
  TrackFacts facts;
  for (const Segment& one : index.segments())
    facts.put(one.record.msn, {.offset = one.record.offset,
                               .audio_bytes = 1,
                               .audio_timescale = 48'000,
                               .audio_start = static_cast<int64_t>(one.record.msn) * 96'000,
                               .audio_end = static_cast<int64_t>(one.record.msn) * 96'000 + 95'232});
  MediaPlaylistSettings skip = kDirectives;
  skip.skip = true;
  skip.facts = &facts;
  const auto skipped = [&](View view, int segments) {
    skip.view = view;
    const std::string text = media_playlist(index, skip);
    return text.find("SKIPPED-SEGMENTS=" + std::to_string(segments) + "\n") != std::string::npos;
  };
  EXPECT_TRUE(skipped(View::whole, 4));
  EXPECT_TRUE(skipped(View::audio, 3));
}

TEST(LowLatency, NothingToLeaveOut) {
  MediaPlaylistSettings skip = kDirectives;
  skip.skip = true;
  EXPECT_EQ(media_playlist(stream(6), skip), media_playlist(stream(6), kDirectives));
  // A stream that has ended is always told whole.
  skip.ended = true;
  const std::string ended = media_playlist(stream(20), skip);
  EXPECT_EQ(ended.find("SKIP:"), std::string::npos);
  EXPECT_TRUE(ended.ends_with("19.m4s\n#EXT-X-ENDLIST\n")) << ended;
}

TEST(LowLatency, WithoutAPromiseThereAreNoParts) {
  StreamIndex index;
  index.add(run("r1", 0, 0));
  index.add(init("aa", "r1/0.mp4"));
  add_segment(index, 0);
  index.add(part(1, 0));
  EXPECT_EQ(media_playlist(index, kDirectives), R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=24.000,HOLD-BACK=12.000
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init-aa.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:00.000Z
#EXTINF:2.000000,
0.m4s
)");
}

TEST(LowLatency, ReportsOfOtherRenditions) {
  MediaPlaylistSettings settings = kDirectives;
  settings.reports = {{"720p/media.m3u8", 7, 3}, {"audio\".m3u8", 6, std::nullopt}};
  const std::string text = media_playlist(stream(2), settings);
  EXPECT_TRUE(
      text.ends_with("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"2.0.m4s\"\n"
                     "#EXT-X-RENDITION-REPORT:URI=\"720p/media.m3u8\",LAST-MSN=7,LAST-PART=3\n"
                     "#EXT-X-RENDITION-REPORT:URI=\"audio.m3u8\",LAST-MSN=6\n"))
      << text;
}

TEST(LowLatency, PartsOfOneTrack) {
  StreamIndex index = stream(1);
  PartRecord silent = part(1, 0);
  silent.chunks.pop_back();
  index.add(silent);
  index.add(part(1, 1));
  MediaPlaylistSettings settings = kDirectives;
  settings.view = View::audio;
  const std::string audio = media_playlist(index, settings);
  EXPECT_TRUE(
      audio.ends_with("#EXT-X-PART:DURATION=0.500000,URI=\"a1.0.m4s\",INDEPENDENT=YES,GAP=YES\n"
                      "#EXT-X-PART:DURATION=0.500000,URI=\"a1.1.m4s\",INDEPENDENT=YES\n"
                      "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"a1.2.m4s\"\n"))
      << audio;
  settings.view = View::video;
  EXPECT_TRUE(media_playlist(index, settings)
                  .ends_with("#EXT-X-PART:DURATION=0.500000,URI=\"v1.0.m4s\",INDEPENDENT=YES\n"
                             "#EXT-X-PART:DURATION=0.500000,URI=\"v1.1.m4s\"\n"
                             "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"v1.2.m4s\"\n"));
  settings.view = View::key_frames;
  const std::string keys = media_playlist(index, settings);
  EXPECT_EQ(keys.find("#EXT-X-PART"), std::string::npos) << keys;
  EXPECT_NE(keys.find("PART-HOLD-BACK=1.650\n"), std::string::npos) << "the same in all playlists";
}

// Where a run ends, its sound may do so before its pictures.
TEST(LowLatency, SoundThatEndsBeforeItsLastPart) {
  StreamIndex index = stream(1);
  for (uint32_t i = 0; i < 4; ++i) index.add(part(1, i));
  const SegmentRecord record = segment(1, 2);
  index.add(record);
  TrackFacts facts;
  MediaPlaylistSettings settings = kDirectives;
  settings.view = View::audio;
  settings.facts = &facts;
  const auto lasts = [&](int64_t audio_end) {
    facts.put(1,
              {.offset = record.offset, .audio_bytes = 1, .audio_timescale = 48'000, .audio_end = audio_end});
    const std::string text = media_playlist(index, settings);
    const size_t at = text.find("URI=\"a1.2.m4s\"");
    return text.substr(at, text.find("\na1.m4s") - at);
  };
  EXPECT_EQ(lasts(96'000 - 5'280),
            "URI=\"a1.2.m4s\",INDEPENDENT=YES\n"
            "#EXT-X-PART:DURATION=0.390000,URI=\"a1.3.m4s\",INDEPENDENT=YES\n"
            "#EXTINF:1.890000,");
  EXPECT_EQ(lasts(96'000 - 1'024),
            "URI=\"a1.2.m4s\",INDEPENDENT=YES\n"
            "#EXT-X-PART:DURATION=0.500000,URI=\"a1.3.m4s\",INDEPENDENT=YES\n"
            "#EXTINF:1.978667,");
}

// Sound that stops while pictures go on: what players were told of before its segment's end stays.
TEST(LowLatency, SoundThatStopsChangesNoPartThatWasListed) {
  StreamIndex index = stream(1);
  for (uint32_t i = 0; i < 4; ++i) index.add(part(1, i));
  const SegmentRecord record = segment(1, 2);
  index.add(record);
  TrackFacts facts;
  MediaPlaylistSettings settings = kDirectives;
  settings.view = View::audio;
  settings.facts = &facts;
  const auto lasts = [&](int64_t ms, int64_t told_ms) {
    facts.put(1, {.offset = record.offset,
                  .audio_bytes = 1,
                  .audio_timescale = 48'000,
                  .told = static_cast<uint32_t>(told_ms * test::kSecond / 1000),
                  .audio_end = ms * 48});
    const std::string text = media_playlist(index, settings);
    std::string out;
    for (size_t at = text.find("\na0.m4s"); (at = text.find(":DURATION=", at + 1)) != text.npos;)
      out += text.substr(at + 10, 5) + " ";
    const size_t at = text.find("#EXTINF:", text.find("a1.2.m4s"));
    return out + "of " + text.substr(at + 8, 5);
  };
  EXPECT_EQ(lasts(800, 0), "0.500 0.260 0.020 0.020 of 0.800") << "all came together";
  EXPECT_EQ(lasts(800, 500), "0.500 0.260 0.020 0.020 of 0.800");
  EXPECT_EQ(lasts(1700, 1500), "0.500 0.500 0.500 0.200 of 1.700");
  EXPECT_EQ(lasts(1480, 1500), "0.500 0.500 0.500 0.020 of 1.500");
  EXPECT_EQ(lasts(800, 1500), "0.500 0.500 0.500 0.500 of 2.000") << "a hole";
  EXPECT_EQ(lasts(1900, 2000), "0.500 0.500 0.500 0.500 of 2.000");
  EXPECT_EQ(lasts(1960, 2000), "0.500 0.500 0.500 0.500 of 2.000");
  EXPECT_EQ(lasts(2900, 2000), "0.500 0.500 0.500 0.500 of 2.000") << "its last frame lasts over a hole";
}

// What it ends before, or behind, may be a part that is shorter: the last frames of a run that was cut off.
TEST(LowLatency, SoundThatEndsElsewhereThanAShortLastPart) {
  StreamIndex index = stream(1);
  SegmentRecord record = segment(1, 2);
  record.duration = 0;
  for (uint32_t i = 0; i < 3; ++i) {
    PartRecord one = part(1, i);
    if (i == 2) one.duration = test::kSecond / 25;
    record.duration += one.duration;
    index.add(one);
  }
  record.length = 375'000;
  index.add(record);
  TrackFacts facts;
  MediaPlaylistSettings settings = kDirectives;
  settings.view = View::audio;
  settings.facts = &facts;
  const auto lasts = [&](int64_t audio_end) {
    facts.put(1,
              {.offset = record.offset, .audio_bytes = 1, .audio_timescale = 48'000, .audio_end = audio_end});
    const std::string text = media_playlist(index, settings);
    std::string out;
    for (size_t at = text.find("\na0.m4s"); (at = text.find(":DURATION=", at + 1)) != text.npos;)
      out += text.substr(at + 10, 5) + " ";
    const size_t at = text.find("#EXTINF:", text.find("a1.2.m4s"));
    return out + "of " + text.substr(at + 8, 5);
  };
  EXPECT_EQ(lasts(48'000 * 104 / 100), "0.500 0.500 0.040 of 1.040");
  EXPECT_EQ(lasts(48'000 * 84 / 100), "0.500 0.320 0.020 of 0.840");
  EXPECT_EQ(lasts(48'000 * 130 / 100), "0.500 0.500 0.300 of 1.300");
  EXPECT_EQ(lasts(48'000 * 170 / 100), "0.500 0.500 0.550 of 1.700") << "no part is longer than promised";
}

// A run that was cut off between a picture and three that are shown before it and come after it: the segment
// lasts until that picture has been shown.
TEST(LowLatency, TheLastPartLastsAsLongAsItsPictureIsShown) {
  const auto lasts = [](int64_t last_part, int64_t more) {
    StreamIndex index = stream(1);
    SegmentRecord record = segment(1, 2);
    record.duration = more;
    for (uint32_t i = 0; i < 3; ++i) {
      PartRecord one = part(1, i);
      if (i == 2) one.duration = last_part;
      record.duration += one.duration;
      index.add(one);
    }
    record.length = 375'000;
    index.add(record);
    const std::string text = media_playlist(index, kDirectives);
    std::string out;
    for (size_t at = text.find("\n0.m4s"); (at = text.find(":DURATION=", at + 1)) != text.npos;)
      out += text.substr(at + 10, 5) + " ";
    const size_t at = text.find("#EXTINF:", text.find("1.2.m4s"));
    return out + "of " + text.substr(at + 8, 5);
  };
  constexpr int64_t kPicture = test::kSecond / 25;
  EXPECT_EQ(lasts(2 * kPicture, 3 * kPicture), "0.500 0.500 0.200 of 1.200");
  EXPECT_EQ(lasts(2 * kPicture, kPicture), "0.500 0.500 0.080 of 1.120") << "as exact as a frame";
  EXPECT_EQ(lasts(2 * kPicture, test::kSecond), "0.500 0.500 0.080 of 2.080") << "something is missing";
}

// A track that a whole segment has nothing of: told by its parts before its boxes have been read.
TEST(LowLatency, ASegmentWithoutTheTrackIsAGap) {
  StreamIndex index = stream(1);
  for (uint32_t i = 0; i < 4; ++i) {
    PartRecord silent = part(1, i);
    silent.chunks.pop_back();
    index.add(silent);
  }
  index.add(segment(1, 2));
  MediaPlaylistSettings settings = kDirectives;
  settings.view = View::audio;
  EXPECT_NE(media_playlist(index, settings).find("#EXT-X-GAP\n#EXTINF:2.000000,\na1.m4s\n"),
            std::string::npos);
  settings.view = View::video;
  EXPECT_EQ(media_playlist(index, settings).find("#EXT-X-GAP"), std::string::npos);
}

TEST(LivePlaylist, IsTheSameAsMadeAnew) {
  StreamIndex index = stream(0, {.window_ms = 60'000, .live_ms = 30'000});
  LivePlaylist live;
  MediaPlaylistSettings skip = kDirectives;
  skip.skip = true;
  for (uint64_t msn = 0; msn < 100; ++msn) {
    add_segment(index, msn);
    // Not at each change: several come at once for who asks seldom.
    if (msn % 7 == 3 || msn < 20) {
      ASSERT_EQ(live.text(index, kDirectives), media_playlist(index, kDirectives));
      ASSERT_EQ(live.text(index, skip), media_playlist(index, skip));
    }
  }
  // Numbers that nobody told of are missing.
  for (uint64_t msn = 110; msn < 130; ++msn) {
    add_segment(index, msn);
    if (msn % 3 == 0) {
      ASSERT_EQ(live.text(index, kDirectives), media_playlist(index, kDirectives));
    }
  }
  // The writer has lost the archive, and begins anew with the numbers that were used.
  index.add(run("r2", 0, 0, test::kUtc + 600'000'000, 2000, 550));
  index.add(init("aa", "r1/0.mp4"));
  for (uint64_t msn = 0; msn < 12; ++msn) {
    add_segment(index, msn);
    ASSERT_EQ(live.text(index, kDirectives), media_playlist(index, kDirectives));
  }
}

TEST(LivePlaylist, OfAWholeHistoryIsTheSameAsMadeAnew) {
  StreamIndex index = stream(0);
  LivePlaylist replay;
  MediaPlaylistSettings settings;
  for (uint64_t msn = 0; msn < 200; ++msn) {
    if (msn >= 60 && msn < 75) continue;  // nobody told of these: a list of everything reaches over them
    add_segment(index, msn);
    settings.type = PlaylistType::event;
    if (msn % 7 == 3 || msn < 20) {
      ASSERT_EQ(replay.text(index, settings), media_playlist(index, settings));
    }
  }
  settings.type = PlaylistType::vod;
  ASSERT_EQ(replay.text(index, settings), media_playlist(index, settings));
}

}  // namespace
}  // namespace headgate::playlist

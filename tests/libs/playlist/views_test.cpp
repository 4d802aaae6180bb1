// SPDX-License-Identifier: LGPL-2.1-or-later
// Playlists of one track and of key frames, as text, whole.
#include <gtest/gtest.h>

#include <playlist/expected_rates.h>
#include <playlist/views.h>

#include <random>
#include <vector>

#include "records.h"

namespace headgate::playlist {
namespace {

using test::init;
using test::run;
using test::segment;

SegmentFacts facts(const SegmentRecord& record, uint32_t video, uint32_t audio, uint32_t key) {
  SegmentFacts out;
  out.offset = record.offset;
  out.video_bytes = video;
  out.audio_bytes = audio;
  out.key_offset = key > 0 ? 112 : 0;
  out.key_length = key;
  return out;
}

class ViewsTest : public testing::Test {
 protected:
  // Three segments; nothing is known of the fourth.
  ViewsTest() {
    index_.add(run("r1", 5, 2));
    index_.add(init("aa", "r1/0.mp4"));
    for (uint64_t i = 0; i < 4; ++i) {
      const SegmentRecord record = segment(5 + i, static_cast<double>(2 * i));
      index_.add(record);
      if (i < 3)
        facts_.put(5 + i, facts(record, i == 1 ? 0 : 440'000, i == 2 ? 0 : 40'000, i == 0 ? 30'000 : 0));
    }
  }
  std::string playlist(View view, PlaylistType type = PlaylistType::live) {
    return media_playlist(index_, {.type = type, .view = view, .facts = &facts_});
  }

  StreamIndex index_;
  TrackFacts facts_;
};

TEST_F(ViewsTest, Audio) {
  EXPECT_EQ(playlist(View::audio), R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:5
#EXT-X-DISCONTINUITY-SEQUENCE:2
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="ainit-aa.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:00.000Z
#EXTINF:2.000000,
a5.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:02.000Z
#EXTINF:2.000000,
a6.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:04.000Z
#EXT-X-GAP
#EXTINF:2.000000,
a7.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:06.000Z
#EXTINF:2.000000,
a8.m4s
)");
}

// As long as its sound, not as its pictures; no longer than the target duration, rounded.
TEST_F(ViewsTest, SoundHasItsOwnDurations) {
  SegmentFacts sound = facts(index_.segments()[0].record, 440'000, 40'000, 30'000);
  const auto extinf = [&](int64_t start, int64_t end) {
    sound.audio_timescale = 48'000;
    sound.audio_start = start;
    sound.audio_end = end;
    facts_.put(5, sound);
    const std::string text = playlist(View::audio);
    const size_t at = text.find("#EXTINF:") + 8;
    return text.substr(at, text.find(',', at) - at);
  };
  EXPECT_EQ(extinf(48'000, 48'000 + 15'840), "0.330000");
  EXPECT_EQ(extinf(0, 96'256), "2.005333");
  EXPECT_EQ(extinf(0, 48'000 * 4 + 24'000), "4.499989");
  EXPECT_EQ(extinf(0, int64_t{48'000} << 40), "4.499989");
  EXPECT_EQ(extinf(7, 7), "2.000000") << "nothing is known";
  EXPECT_NE(playlist(View::video).find("#EXTINF:2.000000,\nv5.m4s"), std::string::npos);
}

TEST_F(ViewsTest, Video) {
  const std::string text = playlist(View::video, PlaylistType::vod);
  EXPECT_NE(text.find("#EXT-X-MAP:URI=\"vinit-aa.mp4\"\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\n#EXTINF:2.000000,\nv5.m4s\n"), std::string::npos) << text;
  EXPECT_NE(text.find("#EXT-X-GAP\n#EXTINF:2.000000,\nv6.m4s\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("GAP"), text.rfind("GAP")) << text;
}

TEST_F(ViewsTest, KeyFrames) {
  EXPECT_EQ(playlist(View::key_frames, PlaylistType::event), R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:5
#EXT-X-DISCONTINUITY-SEQUENCE:2
#EXT-X-PLAYLIST-TYPE:EVENT
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-I-FRAMES-ONLY
#EXT-X-MAP:URI="vinit-aa.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:00.000Z
#EXTINF:2.000000,
#EXT-X-BYTERANGE:30000@112
5.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:02.000Z
#EXT-X-GAP
#EXTINF:2.000000,
6.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:04.000Z
#EXT-X-GAP
#EXTINF:2.000000,
7.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:06.000Z
#EXT-X-GAP
#EXTINF:2.000000,
8.m4s
)");
}

TEST_F(ViewsTest, Variants) {
  EXPECT_EQ(view_variants(index_, facts_, {}, true),
            R"(#EXT-X-STREAM-INF:BANDWIDTH=160000,AVERAGE-BANDWIDTH=160000,CODECS="mp4a.40.2"
audio.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=120000,AVERAGE-BANDWIDTH=120000,CODECS="avc1.64001f",RESOLUTION=1280x720,URI="iframes.m3u8"
)");
  StreamIndex hdr;
  InitRecord init = test::init("aa", "r1/0.mp4");
  init.transfer = kTransferPq;
  hdr.add(test::run("r1", 5, 0));
  hdr.add(init);
  hdr.add(segment(5, 0));
  const std::string text = view_variants(hdr, facts_, {}, false);
  EXPECT_NE(text.find(",RESOLUTION=1280x720,VIDEO-RANGE=PQ,URI="), std::string::npos) << text;
  EXPECT_EQ(text.find("VIDEO-RANGE"), text.rfind("VIDEO-RANGE")) << "of pictures alone\n" << text;
  EXPECT_EQ(view_variants(index_, {}, {}, false), "") << "a rate that nobody knows is not told";
}

// Of sound a quarter more than there was; of key frames, whose size goes with what is seen, twice as much.
TEST_F(ViewsTest, OfAStreamThatGoesOnMoreIsExpected) {
  EXPECT_EQ(view_variants(index_, facts_, {}, false),
            R"(#EXT-X-STREAM-INF:BANDWIDTH=200000,AVERAGE-BANDWIDTH=176000,CODECS="mp4a.40.2"
audio.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=240000,AVERAGE-BANDWIDTH=132000,CODECS="avc1.64001f",RESOLUTION=1280x720,URI="iframes.m3u8"
)");
}

// They are among all pictures, and take no more than those.
TEST_F(ViewsTest, NoMoreIsExpectedOfKeyFramesThanOfAllPictures) {
  const Rates seen{700'000, 600'000}, whole{1'000'000, 800'000};
  const Rates said = expected_key_frame_rates(seen, whole);
  EXPECT_EQ(said.peak, 1'000'000u);
  EXPECT_EQ(said.average, 660'000u);
  EXPECT_EQ(expected_key_frame_rates(seen).peak, 1'400'000u) << "what all take is not known";
  EXPECT_EQ(expected_key_frame_rates(seen, {500'000, 400'000}).peak, 700'000u) << "never less than was seen";
  EXPECT_EQ(expected_rates({UINT32_MAX, UINT32_MAX}).peak, UINT32_MAX);
  EXPECT_EQ(expected_rates({}).peak, 0u);
}

TEST_F(ViewsTest, TheRateIsThePeaks) {
  const SegmentRecord record = segment(9, 8);
  index_.add(record);
  facts_.put(9, facts(record, 600'000, 80'000, 60'000));
  EXPECT_EQ(view_rates(index_, facts_, View::audio).peak, 320'000u);
  EXPECT_EQ(view_rates(index_, facts_, View::audio).average, 213'333u);
  EXPECT_EQ(view_rates(index_, facts_, View::video).peak, 2'400'000u);
  EXPECT_EQ(view_rates(index_, facts_, View::key_frames).peak, 240'000u);
}

TEST_F(ViewsTest, ANumberThatWasUsedAgainHasNotTheFactsOfTheOther) {
  SegmentRecord other = segment(5, 0);
  EXPECT_NE(facts_.find(other), nullptr);
  other.offset += 1;
  EXPECT_EQ(facts_.find(other), nullptr);
  facts_.forget_before(6);
  EXPECT_EQ(facts_.find(segment(5, 0)), nullptr);
  EXPECT_NE(facts_.find(segment(6, 2)), nullptr);
  EXPECT_EQ(facts_.size(), 2u);
}

TEST(ViewCodecs, AreThoseOfTheTrack) {
  InitRecord both = init("aa", "x");
  EXPECT_EQ(view_codecs(both, View::video), "avc1.64001f");
  EXPECT_EQ(view_codecs(both, View::audio), "mp4a.40.2");
  EXPECT_EQ(view_codecs(both, View::whole), "avc1.64001f,mp4a.40.2");
  both.channels = 0;
  EXPECT_EQ(view_codecs(both, View::audio), "");
  both.codecs = "hvc1";
  EXPECT_EQ(view_codecs(both, View::video), "hvc1");
}

TEST(ViewVariants, AStreamWithoutVideoIsItsOwnAudio) {
  StreamIndex index;
  index.add(run("r1", 0, 0));
  InitRecord audio = init("aa", "x");
  audio.width = audio.height = 0;
  index.add(audio);
  index.add(segment(0, 0));
  TrackFacts known;
  known.put(0, facts(segment(0, 0), 0, 40'000, 0));
  EXPECT_EQ(view_variants(index, known, {}, false), "");
}

// As who counts all of it each time, whatever comes and goes, in whichever order the facts are known.
TEST(ViewMeters, SayWhatOneSaysThatCountsEverything) {
  std::mt19937 random(5);
  for (const int64_t window_ms : {0, 30'000}) {
    StreamIndex index({window_ms, 0});
    TrackFacts known;
    ViewMeters meters;
    std::vector<SegmentRecord> unread;
    double at = 0;
    index.add(run("r0", 0, 0));
    index.add(init("aa", "r1/0.mp4"));
    for (uint64_t msn = 0; msn < 400; ++msn) {
      if (msn == 300) {  // it starts over
        index.add(run("r1", 2, 9));
        index.add(init("aa", "r1/0.mp4"));
        known = {};
        unread.clear();
      }
      const uint64_t number = msn < 300 ? msn : msn - 298;
      const double length = random() % 20 == 0 ? 7 : 0.5 + static_cast<double>(random() % 30) / 10;
      const SegmentRecord record = segment(number, at, length);
      at += length;
      index.add(record);
      unread.push_back(record);
      while (random() % 4 != 0 && !unread.empty()) {
        known.put(unread.back().msn, facts(unread.back(), 100'000 + static_cast<uint32_t>(random() % 900'000),
                                           random() % 8 == 0 ? 0 : 40'000, random() % 9 == 0 ? 0 : 30'000));
        unread.pop_back();
      }
      for (const View view : {View::whole, View::video, View::audio, View::key_frames}) {
        const Rates all = view_rates(index, known, view), rates = meters.rates(index, known, view);
        ASSERT_EQ(rates.peak, all.peak) << msn;
        ASSERT_EQ(rates.average, all.average) << msn;
      }
    }
  }
}

TEST(ViewMeters, CountWhatIsNewOnly) {
  constexpr uint64_t kHours = 3600, kMore = 100;
  StreamIndex index;
  TrackFacts known;
  ViewMeter meter(View::video);
  index.add(run("r1", 0, 0));
  index.add(init("aa", "r1/0.mp4"));
  for (uint64_t msn = 0; msn < kHours + kMore; ++msn) {
    index.add(segment(msn, 2.0 * static_cast<double>(msn)));
    known.put(msn, facts(segment(msn, 0), 400'000, 40'000, 30'000));
    if (msn >= kHours) meter.rates(index, known);
  }
  EXPECT_LT(meter.looked_at(), kHours + 10 * kMore);
}

}  // namespace
}  // namespace headgate::playlist

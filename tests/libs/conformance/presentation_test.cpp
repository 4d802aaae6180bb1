// SPDX-License-Identifier: LGPL-2.1-or-later
// Variants among each other, and what the multivariant playlist promises of them.
#include <gtest/gtest.h>

#include <conformance/playlist_rules.h>
#include <conformance/presentation.h>

#include "files.h"
#include "made_media.h"

namespace headgate {
namespace {

using conformance::kSecond;
using conformance::MediaPlaylist;
using conformance::Member;
using conformance::SegmentChecker;
using conformance::Variant;

using Ids = std::set<std::string>;

// A playlist with its media: 2 s segments from `first` on.
struct Stream {
  MediaPlaylist playlist = test::media_playlist(test::file_text("playlists/live.m3u8"));
  SegmentChecker media;
  Member member(const char* name, conformance::Micros at = 0) const {
    return {name, &playlist, {at, at, false}, &media};
  }
  void fill(const test::MadeInit& init, size_t count, uint64_t offset = 0, uint64_t discontinuity = 3) {
    media.take_init({"init.mp4", std::nullopt}, as_bytes(test::made_init(init)));
    for (uint64_t i = 0; i < count; ++i) {
      conformance::Segment segment;
      segment.msn = 10 + i;
      segment.discontinuity = discontinuity;
      segment.duration = 2 * kSecond;
      segment.date = static_cast<conformance::Micros>(1000 + i * 2) * kSecond;
      segment.map = conformance::Resource{"init.mp4", std::nullopt};
      media.take_segment(segment, {}, as_bytes(test::made_chunk({1, i * 180000 + offset})));
    }
  }
};

class Presentation : public testing::Test {
 protected:
  Presentation() {
    one_.fill({{test::kVideo}}, 6);
    other_.fill({{test::kVideo}}, 6);
  }
  Ids playlists(conformance::Micros between = 0) {
    return test::ids(compare_playlists(one_.member("one"), other_.member("other", between)));
  }
  Ids media() { return test::ids(compare_media(one_.member("one"), other_.member("other"))); }
  Ids variant(const Variant& variant, bool complete = true) {
    return test::ids(check_variant(variant, one_.member("one"), {}, complete));
  }
  static Variant right() {
    Variant variant;
    variant.uri = "one.m3u8";
    variant.bandwidth = 20'000;
    variant.codecs = {"avc1.64001E"};
    variant.resolution = {640, 360};
    variant.frame_rate = 25 * kSecond;
    return variant;
  }
  Stream one_, other_;
};

TEST_F(Presentation, RightOnesPass) {
  EXPECT_EQ(playlists(), Ids{});
  EXPECT_EQ(media(), Ids{});
  EXPECT_EQ(variant(right()), Ids{});
}

TEST_F(Presentation, VariantsTarget) {
  other_.playlist.target_s = 5;
  EXPECT_EQ(playlists(), Ids{"variants-target"});
}

TEST_F(Presentation, VariantsType) {
  other_.playlist.type = conformance::PlaylistType::event;
  EXPECT_EQ(playlists(), Ids{"variants-type"});
}

TEST_F(Presentation, VariantsDates) {
  for (auto& segment : other_.playlist.segments) segment.date.reset();
  EXPECT_EQ(playlists(), Ids{"variants-dates"});
}

TEST_F(Presentation, VariantsControl) {
  other_.playlist.control = conformance::ServerControl{};
  EXPECT_EQ(playlists(), Ids{"variants-control"});
  one_.playlist.control = conformance::ServerControl{};
  one_.playlist.control->line = 7;
  EXPECT_EQ(playlists(), Ids{});
  one_.playlist.control->hold_back = 12 * kSecond;
  EXPECT_EQ(playlists(), Ids{"variants-control"});
}

TEST_F(Presentation, VariantsEdge) {
  other_.playlist.segments.resize(4);
  EXPECT_EQ(playlists(), Ids{"variants-edge"});
  EXPECT_EQ(playlists(4 * kSecond), Ids{});
}

// A minute in which nothing was sent is nothing to be ahead by.
TEST_F(Presentation, VariantsEdgeBehindAHole) {
  auto& segments = other_.playlist.segments;
  for (int more = 0; more < 2; ++more) {
    conformance::Segment next = segments.back();
    ++next.msn;
    next.discontinuous = more == 0;
    next.date = *next.date + next.duration + (more == 0 ? 60 * kSecond : 0);
    segments.push_back(next);
    EXPECT_EQ(playlists(), more == 0 ? Ids{} : Ids{"variants-edge"});
  }
}

TEST_F(Presentation, VariantsDiscontinuity) {
  other_ = {};
  other_.fill({{test::kVideo}}, 6, 0, 2);
  EXPECT_EQ(media(), Ids{"variants-discontinuity"});
}

TEST_F(Presentation, VariantsAlignedAndTimestamps) {
  other_ = {};
  other_.fill({{test::kVideo}}, 6, 90000 / 5);
  EXPECT_EQ(media(), Ids{"variants-aligned"});
  other_ = {};
  other_.fill({{test::kVideo}}, 6, 90000 / 2);
  EXPECT_EQ(media(), (Ids{"variants-aligned", "variants-timestamps"}));
}

TEST_F(Presentation, NumbersThatDoNotCorrespondAreNotCompared) {
  other_ = {};
  other_.fill({{test::kVideo}}, 6, 90000 * 60);
  EXPECT_EQ(media(), Ids{});
}

TEST_F(Presentation, CodecsUntrue) {
  Variant wrong = right();
  wrong.codecs = {"avc1.4d401e"};
  EXPECT_EQ(variant(wrong), (Ids{"codecs-untrue", "codecs-extra"}));
  EXPECT_EQ(variant(wrong, false), Ids{"codecs-untrue"});
}

TEST_F(Presentation, CodecsExtra) {
  Variant wrong = right();
  wrong.codecs.emplace_back("mp4a.40.2");
  EXPECT_EQ(variant(wrong), Ids{"codecs-extra"});
  EXPECT_EQ(variant(wrong, false), Ids{});
}

TEST_F(Presentation, ResolutionUntrue) {
  Variant wrong = right();
  wrong.resolution = {640, 361};
  EXPECT_EQ(variant(wrong), Ids{"resolution-untrue"});
}

TEST_F(Presentation, FrameRateUntrue) {
  Variant wrong = right();
  wrong.frame_rate = 24 * kSecond;
  EXPECT_EQ(variant(wrong), Ids{"frame-rate-untrue"});
  wrong.frame_rate = 25 * kSecond + kSecond / 4;
  EXPECT_EQ(variant(wrong), Ids{});
}

TEST_F(Presentation, VideoRange) {
  struct Case {
    uint16_t transfer;
    std::string range;
    Ids found;
  };
  const Case cases[] = {{16, "SDR", {"video-range"}},
                        {16, "HLG", {"video-range"}},
                        {16, "PQ", {}},
                        {18, "SDR", {"video-range"}},
                        {18, "HLG", {}},
                        {18, "PQ", {}},
                        {14, "SDR", {}},
                        {14, "PQ", {}},
                        {0, "PQ", {}}};
  for (const auto& [transfer, range, found] : cases) {
    one_ = {};
    one_.fill({{{1, true, 90000, 640, 360, transfer}}}, 6);
    Variant told = right();
    told.range = range;
    EXPECT_EQ(variant(told), found) << transfer << " " << range;
  }
}

TEST_F(Presentation, BandwidthExceeded) {
  Variant wrong = right();
  const double peak = one_.media.rates(4).peak;
  wrong.bandwidth = static_cast<uint64_t>(peak / 1.09);
  EXPECT_EQ(variant(wrong), Ids{});
  wrong.bandwidth = static_cast<uint64_t>(peak / 1.11);
  EXPECT_EQ(variant(wrong), Ids{"bandwidth-exceeded"});
}

// A set of I-frame segments is one as well: the time between its pictures is theirs (4.4.3.6).
TEST_F(Presentation, BandwidthOfKeyFrames) {
  Variant wrong = right();
  wrong.iframes = true;
  wrong.frame_rate.reset();
  wrong.bandwidth = static_cast<uint64_t>(one_.media.rates(4).peak / 1.49);
  EXPECT_EQ(variant(wrong), Ids{});
  wrong.bandwidth = static_cast<uint64_t>(one_.media.rates(4).peak / 1.51);
  EXPECT_EQ(variant(wrong), Ids{"bandwidth-iframes"});
}

TEST_F(Presentation, BandwidthAverage) {
  Variant wrong = right();
  wrong.average = static_cast<uint64_t>(one_.media.rates(4).average / 1.3);
  EXPECT_EQ(variant(wrong), Ids{"bandwidth-average"});
}

TEST_F(Presentation, AGroupCountsWithItsGreatest) {
  Variant with_sound = right();
  const double peak = one_.media.rates(4).peak;
  with_sound.bandwidth = static_cast<uint64_t>(peak * 1.9);
  const std::vector<std::vector<Member>> groups = {{other_.member("other"), other_.member("again")}};
  EXPECT_TRUE(check_variant(with_sound, one_.member("one"), groups, true).empty());
  with_sound.bandwidth = static_cast<uint64_t>(peak * 1.7);
  EXPECT_EQ(test::ids(check_variant(with_sound, one_.member("one"), groups, true)),
            Ids{"bandwidth-exceeded"});
}

TEST(CodecNames, Match) {
  EXPECT_TRUE(conformance::codec_matches("avc1.64001F", "avc1.64001f"));
  EXPECT_TRUE(conformance::codec_matches("av01.0.04M.08.0.110", "av01.0.04M.08"));
  EXPECT_FALSE(conformance::codec_matches("av01.0.04M.081", "av01.0.04M.08"));
  EXPECT_FALSE(conformance::codec_matches("avc1.64001f.1", "avc1.64001f"));
}

TEST(Multivariant, VideoRangeIsRead) {
  std::string text = test::file_text("playlists/multivariant.m3u8");
  const std::string rate = "FRAME-RATE=25.000";
  ASSERT_NE(text.find(rate), std::string::npos);
  text.insert(text.find(rate) + rate.size(), ",VIDEO-RANGE=HLG");
  const conformance::Parsed parsed = conformance::parse_playlist(text);
  ASSERT_TRUE(parsed.multivariant && parsed.findings.empty()) << test::text_of(parsed.findings);
  std::multiset<std::string> ranges;
  for (const Variant& one : parsed.multivariant->variants) ranges.insert(one.range);
  EXPECT_EQ(ranges.count("HLG"), 1u);
  EXPECT_EQ(ranges.count("SDR"), ranges.size() - 1) << "where it is not told";
}

// One edit each; names as the rules'.
TEST(Multivariant, WrongTwins) {
  const std::string text = test::file_text("playlists/multivariant.m3u8");
  const struct {
    const char *rule, *old, *now;
  } kTwins[] = {
      {"codecs-absent", "CODECS=\"mp4a.40.2\",AUDIO", "RESOLUTION=1x1,FRAME-RATE=25.000,AUDIO"},
      {"resolution-absent", "RESOLUTION=640x360,", ""},
      {"frame-rate-absent", "RESOLUTION=640x360,FRAME-RATE=25.000", "RESOLUTION=640x360"},
      {"group-absent", "AUDIO=\"sound\",SUBTITLES", "AUDIO=\"noise\",SUBTITLES"},
      {"group-name", "GROUP-ID=\"sound-low\"", "GROUP-ID=\"sound\""},
      {"group-members", "NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"1\"",
       "NAME=\"German\",LANGUAGE=\"de\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"1\""},
      {"media-autoselect", "AUTOSELECT=YES,CHANNELS=\"1\"", "AUTOSELECT=NO,CHANNELS=\"1\""},
      {"media-uri", ",URI=\"text.m3u8\"", ""},
      {"media-uri", ",INSTREAM-ID=\"SERVICE1\"", ",INSTREAM-ID=\"SERVICE1\",URI=\"captions.m3u8\""},
      {"media-attributes", "FORCED=NO", "CHANNELS=\"2\""},
      {"media-attributes", "CHANNELS=\"1\"", "CHANNELS=\"1\",FORCED=NO"},
      {"media-attributes", ",INSTREAM-ID=\"SERVICE1\"", ""},
      {"media-channels", ",CHANNELS=\"1\"", ""},
      {"captions-none", "AUDIO=\"sound\",CLOSED-CAPTIONS=\"captions\"",
       "AUDIO=\"sound\",CLOSED-CAPTIONS=NONE"},
  };
  for (const auto& twin : kTwins) {
    std::string wrong = text;
    const size_t at = wrong.find(twin.old);
    ASSERT_NE(at, std::string::npos) << twin.rule;
    wrong.replace(at, std::string(twin.old).size(), twin.now);
    const conformance::Parsed parsed = conformance::parse_playlist(wrong);
    ASSERT_TRUE(parsed.multivariant && parsed.findings.empty())
        << twin.rule << test::text_of(parsed.findings);
    Ids found = test::ids(check_multivariant_playlist(*parsed.multivariant));
    EXPECT_TRUE(found.contains(twin.rule)) << twin.rule;
    // A group that a rendition has left, and one with two defaults, cannot be avoided.
    if (std::string(twin.rule) == "group-name") found.erase("group-default"), found.erase("group-absent");
    EXPECT_EQ(found.size(), 1u) << twin.rule << " and " << testing::PrintToString(found);
  }
}

TEST(Multivariant, GroupDefault) {
  std::string text = test::file_text("playlists/multivariant.m3u8");
  text.insert(text.find("#EXT-X-STREAM-INF"),
              "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"third\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,"
              "CHANNELS=\"2\"\n"
              "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"third\",NAME=\"German\",LANGUAGE=\"de\",DEFAULT=YES,"
              "CHANNELS=\"2\"\n");
  const Ids found = test::ids(check_multivariant_playlist(*conformance::parse_playlist(text).multivariant));
  EXPECT_EQ(found, (Ids{"group-default", "group-members"}));
}

}  // namespace
}  // namespace headgate

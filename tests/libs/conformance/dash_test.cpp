// SPDX-License-Identifier: LGPL-2.1-or-later
// MPDs: right ones break nothing; each wrong twin breaks its rule, by itself or after another, or in its
// media.
#include <gtest/gtest.h>

#include <conformance/dash_media.h>
#include <conformance/mpd_history.h>

#include "files.h"
#include "made_media.h"

namespace headgate {
namespace {

using conformance::Findings;
using conformance::kSecond;
using conformance::Mpd;
using conformance::MpdRepresentation;
using conformance::MpdSegment;

using Ids = std::set<std::string>;

std::string mpd_text(const std::string& name) {
  return test::file_text("mpds/" + name + ".mpd");
}

std::string with(std::string text, const std::string& old, const std::string& now) {
  size_t at = text.find(old);
  if (at == std::string::npos) throw std::runtime_error("there is no " + old);
  for (; at != std::string::npos; at = text.find(old, at + now.size())) text.replace(at, old.size(), now);
  return text;
}

Findings check(const std::string& text, const std::string& before = "", double seconds = 4) {
  conformance::ParsedMpd parsed = conformance::parse_mpd(text);
  Findings findings = parsed.findings;
  if (before.empty() || !parsed.mpd) return findings;
  conformance::MpdHistory history;
  history.observe(*conformance::parse_mpd(before).mpd, {0, 0, false});
  const auto now = static_cast<conformance::Micros>(seconds * kSecond);
  for (conformance::Finding& one : history.observe(*parsed.mpd, {now, now, false}))
    findings.push_back(std::move(one));
  return findings;
}

TEST(Mpd, RightOnesBreakNothing) {
  for (const char* name : {"live", "live-next", "two-periods", "static"})
    EXPECT_EQ(test::text_of(check(mpd_text(name))), "") << name;
  EXPECT_EQ(test::text_of(check(mpd_text("live-next"), mpd_text("live"))), "");
  EXPECT_EQ(test::text_of(check(mpd_text("two-periods"), mpd_text("live"))), "");
  EXPECT_EQ(test::text_of(check(mpd_text("live"), mpd_text("live"))), "");
}

// Neither their numbers nor their times are those of the media.
TEST(Mpd, TilesOfPicturesAreLeftAlone) {
  const std::string set =
      "<AdaptationSet id=\"3\" contentType=\"image\" mimeType=\"image/jpeg\"><SegmentTemplate "
      "timescale=\"90000\" "
      "startNumber=\"7\" media=\"sheet-$Number$.jpg\"><SegmentTimeline><S t=\"0\" "
      "d=\"4500000\"/></SegmentTimeline>"
      "</SegmentTemplate><Representation id=\"pictures\" bandwidth=\"1\" width=\"800\" height=\"450\"/>"
      "</AdaptationSet></Period>";
  const std::string text = with(mpd_text("live"), "</Period>", set);
  EXPECT_EQ(test::text_of(check(text)), "");
  EXPECT_EQ(conformance::parse_mpd(text).mpd->periods.front().sets.size(),
            conformance::parse_mpd(mpd_text("live")).mpd->periods.front().sets.size());
}

TEST(Mpd, IsRead) {
  const Mpd live = *conformance::parse_mpd(mpd_text("live")).mpd;
  EXPECT_TRUE(live.dynamic);
  EXPECT_EQ(live.min_buffer, 4 * kSecond);
  EXPECT_EQ(live.time_shift_depth, 12 * kSecond);
  EXPECT_EQ(*live.publish_time - *live.availability_start, 60 * kSecond);
  ASSERT_EQ(live.periods.size(), 1u);
  const auto& video = live.periods[0].sets.at(0).representations;
  ASSERT_EQ(video.size(), 2u);
  EXPECT_EQ(video[1].segments.size(), 4u);
  EXPECT_EQ(video[1].segments[3], (MpdSegment{8, 2880000, 180000}));
  EXPECT_EQ(video[1].init_url(), "360p/init.mp4");
  EXPECT_EQ(video[1].media_url(video[1].segments[0]), "360p/00005.m4s");
  const MpdRepresentation& sound = live.periods[0].sets.at(1).representations.at(0);
  EXPECT_EQ(sound.media_url(sound.segments[1]), "sound/1152000.m4s");
  EXPECT_EQ(sound.mime, "audio/mp4");
}

TEST(Mpd, SegmentsByNumber) {
  const Mpd recorded = *conformance::parse_mpd(mpd_text("static")).mpd;
  const MpdRepresentation& one = recorded.periods[0].sets[0].representations[0];
  EXPECT_EQ(recorded.duration, 62 * kSecond + kSecond / 2);
  const auto all = available_segments(recorded, recorded.periods[0], one, 0);
  ASSERT_EQ(all.size(), 16u);
  EXPECT_EQ(one.media_url(all[15]), "media/a/$-1000-16.m4s");
  Mpd live = recorded;
  live.dynamic = true;
  live.duration.reset();
  live.availability_start = 1000 * kSecond;
  EXPECT_TRUE(available_segments(live, live.periods[0], one, 1003 * kSecond).empty());
  EXPECT_EQ(available_segments(live, live.periods[0], one, 1008 * kSecond).back().number, 2u);
  live.periods[0].sets[0].representations[0].available_early = 3 * kSecond;
  const MpdRepresentation& early = live.periods[0].sets[0].representations[0];
  EXPECT_EQ(available_segments(live, live.periods[0], early, 1009 * kSecond).back().number, 3u);
}

TEST(Mpd, AFirstPeriodMayBeginLater) {
  // Its first segment has left, and its start has moved with it.
  std::string next = with(mpd_text("live-next"), "start=\"PT0S\"", "start=\"PT4S\"");
  next = with(next, "presentationTimeOffset=\"0\"", "presentationTimeOffset=\"360000\"");
  next = with(next, "timescale=\"48000\"", "timescale=\"48000\" presentationTimeOffset=\"192000\"");
  EXPECT_EQ(test::text_of(check(next, mpd_text("live"))), "");
}

TEST(Mpd, TheDepthIsOfAllPeriods) {
  // Period 0 goes on at 24 s, the presentation to 38 s.
  const auto depth = [](std::string text, const char* seconds) {
    return with(std::move(text), "timeShiftBufferDepth=\"PT12S\"",
                std::string("timeShiftBufferDepth=\"") + seconds + "\"");
  };
  const std::string before = mpd_text("two-periods");
  std::string next =
      with(before, "<S t=\"1800000\" d=\"360000\" r=\"2\"/>", "<S t=\"2160000\" d=\"360000\" r=\"1\"/>");
  next = with(next, "startNumber=\"5\"", "startNumber=\"6\"");
  EXPECT_EQ(test::text_of(check(depth(next, "PT18S"), depth(before, "PT18S"))), "");
  EXPECT_EQ(test::ids(check(depth(next, "PT19S"), depth(before, "PT19S"))), Ids{"segment-lost"});
}

TEST(Mpd, WrongTwins) {
  const struct {
    const char *rule, *of, *old, *now;
  } kTwins[] = {
      {"mpd-xml", "live", "</Period>", "</period>"},
      {"mpd-xml", "live", "mpd:2011\" profiles", "mpd:2012\" profiles"},
      {"mpd-value", "live", "minimumUpdatePeriod=\"PT2S\"", "minimumUpdatePeriod=\"2\""},
      {"mpd-value", "live", "bandwidth=\"64000\"", "bandwidth=\"64000\" width=\"-1\""},
      {"mpd-value", "live", "<S d=\"180000\"/>", "<S/>"},
      {"mpd-value", "live", "type=\"dynamic\"",
       "type=\"dynamic\" maxSubsegmentDuration=\"x\" suggestedPresentationDelay=\"P\""},
      {"mpd-required", "live", "publishTime=\"2026-01-02T03:05:00Z\"", ""},
      {"mpd-required", "static", "minBufferTime=\"PT2S\"", ""},
      {"period-id", "two-periods", "<Period id=\"1\"", "<Period id=\"0\""},
      {"period-order", "two-periods", "<Period id=\"0\" start=\"PT0S\">",
       "<Period id=\"0\" start=\"PT40S\">"},
      {"period-gap", "two-periods", "start=\"PT34S\"", "start=\"PT35S\""},
      {"representation-required", "live", "bandwidth=\"64000\"", ""},
      {"representation-required", "live", "id=\"360p\"", "id=\"720p\""},
      {"template-media", "live", "$Number%05d$", "$Number$-$Time$"},
      {"template-media", "live", "$Number%05d$", "$Nummer$"},
      {"template-timing", "live", "timescale=\"48000\"", "timescale=\"48000\" duration=\"192000\""},
      {"template-timing", "static", "duration=\"4000\"", ""},
      {"timeline-overlap", "live", "<S d=\"96000\"/>", "<S t=\"1535999\" d=\"96000\"/>"},
      {"timeline-gap", "live", "<S d=\"96000\"/>", "<S t=\"1536001\" d=\"96000\"/>"},
      {"segment-long", "live", "maxSegmentDuration=\"PT4S\"", "maxSegmentDuration=\"PT3.9S\""},
      {"not-aligned", "live", "width=\"640\" height=\"360\"/>",
       "width=\"640\" height=\"360\"><SegmentTemplate><SegmentTimeline><S t=\"1800000\" d=\"370000\" "
       "r=\"2\"/>"
       "</SegmentTimeline></SegmentTemplate></Representation>"},
      {"utc-timing", "live", "<UTCTiming", "<NoTiming"},
      {"not-checked", "static", "SegmentTemplate", "SegmentBase"},
  };
  for (const auto& twin : kTwins) {
    const Findings findings = check(with(mpd_text(twin.of), twin.old, twin.now));
    Ids found = test::ids(findings);
    EXPECT_TRUE(found.contains(twin.rule)) << twin.rule << "\n" << test::text_of(findings);
    if (std::string(twin.rule) == "not-aligned") found.erase("segment-long");
    EXPECT_EQ(found.size(), 1u) << twin.rule << ":\n" << test::text_of(findings);
  }
}

TEST(Mpd, WrongTwinsAfterAnother) {
  const struct {
    const char *rule, *first, *next, *old, *now;
    double seconds = 4;
  } kTwins[] = {
      {"publish-time", "live", "live-next", "03:05:04Z", "03:05:00Z"},
      {"publish-time", "live", "live-next", "03:05:04Z", "03:04:59Z"},
      {"start-changed", "live", "live-next", "03:04:00Z", "03:04:01Z"},
      {"start-changed", "live", "live-next", "start=\"PT0S\"", "start=\"PT1S\""},
      {"set-changed", "live", "live-next", "id=\"360p\"", "id=\"361p\""},
      {"segment-changed", "live", "live-next", "startNumber=\"6\"", "startNumber=\"7\""},
      {"segment-changed", "live", "live-next", "<S d=\"180000\"/>", "<S d=\"180001\"/>"},
      {"segment-lost", "live", "live-next",
       "t=\"1152000\" d=\"192000\" r=\"1\"/><S d=\"96000\"/><S d=\"192000\"/>",
       "t=\"1536000\" d=\"96000\"/>"},
      {"stalled", "live", "live", "03:05:00Z", "03:05:00Z", 10.6},
      {"end-undone", "static", "static", "type=\"static\"",
       "type=\"dynamic\" availabilityStartTime=\"2026-01-02T03:04:00Z\" "
       "publishTime=\"2026-01-02T03:04:00Z\""},
  };
  for (const auto& twin : kTwins) {
    const Findings findings =
        check(with(mpd_text(twin.next), twin.old, twin.now), mpd_text(twin.first), twin.seconds);
    Ids found = test::ids(findings);
    EXPECT_TRUE(found.contains(twin.rule)) << twin.rule << "\n" << test::text_of(findings);
    if (std::string(twin.rule) == "end-undone") found.erase("utc-timing"), found.erase("period-id");
    EXPECT_EQ(found.size(), 1u) << twin.rule << ":\n" << test::text_of(findings);
  }
}

// A Representation that ended within its Period leaves with its segments, and not before.
TEST(Mpd, ARepresentationLeavesWithItsLastSegment) {
  const std::string small = "width=\"640\" height=\"360\"";
  const auto ended = [&small](uint64_t from, uint64_t duration) {
    return with(mpd_text("live"), small + "/>",
                small + "><SegmentTemplate startNumber=\"5\"><SegmentTimeline><S t=\"" +
                    std::to_string(from) + "\" d=\"" + std::to_string(duration) +
                    "\"/></SegmentTimeline></SegmentTemplate></Representation>");
  };
  const std::string without =
      with(mpd_text("live-next"),
           "<Representation id=\"360p\" bandwidth=\"20000\" codecs=\"avc1.64001e\" " + small + "/>", "");
  EXPECT_EQ(test::text_of(check(without, ended(1'800'000, 360'000))), "");
  EXPECT_EQ(test::ids(check(without, ended(2'160'000, 360'000))), Ids{"set-changed"});
}

// "live" and "live-next" at low latency: the last segment of each is being written.
std::string early(std::string text, const std::string& clock = "2026-01-02T03:04:20.0Z",
                  const std::string& time = "1800000") {
  text = with(text, "presentationTimeOffset=\"0\"",
              "presentationTimeOffset=\"0\" availabilityTimeOffset=\"3\" availabilityTimeComplete=\"false\"");
  text = with(text, " startWithSAP=\"1\">",
              " startWithSAP=\"1\"><ProducerReferenceTime id=\"7\" wallClockTime=\"" + clock +
                  "\" presentationTime=\"" + time + "\"/>");
  return with(text, "<Period ",
              "<ServiceDescription id=\"0\"><Latency referenceId=\"7\" target=\"3000\" min=\"2000\" "
              "max=\"8000\"/></ServiceDescription><Period ");
}

TEST(Mpd, LowLatency) {
  const std::string live = early(mpd_text("live"));
  EXPECT_EQ(test::text_of(check(live)), "");
  const Mpd read = *conformance::parse_mpd(live).mpd;
  EXPECT_FALSE(read.periods[0].sets[0].representations[0].complete);
  EXPECT_TRUE(read.periods[0].sets[1].representations[0].complete);
  EXPECT_EQ(read.latency->target, 3000u);
  const struct {
    const char *rule, *old, *now;
  } kTwins[] = {
      {"early-offset", "availabilityTimeOffset=\"3\"", ""},
      {"early-offset", "availabilityTimeOffset=\"3\"", "availabilityTimeOffset=\"4\""},
      {"latency-absent", " target=\"3000\"", ""},
      {"latency-range", "min=\"2000\"", "min=\"3001\""},
      {"latency-range", "max=\"8000\"", "max=\"2999\""},
      {"latency-reference", "referenceId=\"7\"", "referenceId=\"8\""},
  };
  for (const auto& twin : kTwins)
    EXPECT_EQ(test::ids(check(with(live, twin.old, twin.now))), Ids{twin.rule}) << twin.now;
  EXPECT_EQ(test::ids(check(with(live, " presentationTime=\"1800000\"", ""))),
            (Ids{"reference-time", "latency-reference"}));
  EXPECT_EQ(test::ids(check(with(live, "ServiceDescription", "NoDescription"))), Ids{"latency-absent"});
}

TEST(Mpd, LowLatencyAfterAnother) {
  const std::string live = early(mpd_text("live"));
  const auto next = [](const std::string& clock, const std::string& duration) {
    return with(early(mpd_text("live-next"), clock, "2160000"), "<S d=\"180000\"/>",
                "<S d=\"" + duration + "\"/>");
  };
  EXPECT_EQ(test::text_of(check(next("2026-01-02T03:04:24.09Z", "184000"), live)), "");
  EXPECT_EQ(test::ids(check(next("2026-01-02T03:04:24.11Z", "180000"), live)), Ids{"reference-time"});
  EXPECT_EQ(test::ids(check(next("2026-01-02T03:04:24Z", "185000"), live)), Ids{"open-changed"});
  // Of a finished one nothing changes.
  const std::string changed =
      with(next("2026-01-02T03:04:24Z", "180000"), "<S t=\"2160000\" d=\"360000\" r=\"1\"/>",
           "<S t=\"2160000\" d=\"360001\"/><S t=\"2520000\" d=\"360000\"/>");
  EXPECT_TRUE(test::ids(check(changed, live)).contains("segment-changed"));
}

class DashSegments : public testing::Test {
 protected:
  DashSegments() {
    one_ = conformance::parse_mpd(mpd_text("live")).mpd->periods[0].sets[0].representations[1];
    init_.tracks = {test::kVideo};
  }
  Ids init() { return test::ids(media_.take_init(one_, as_bytes(test::made_init(init_)))); }
  // The timeline's n-th, of 2 s.
  Ids take(uint64_t n, test::MadeChunk chunk) {
    conformance::ListedSegment was = conformance::listed(then_.value_or(one_), {n, n * 180000, 180000});
    was.promised = promised_.value_or(was.promised);
    const Findings findings = media_.take_segment(one_, was, min_buffer_, as_bytes(test::made_chunk(chunk)));
    told_ = test::text_of(findings);
    return test::ids(findings);
  }
  MpdRepresentation one_;
  std::optional<MpdRepresentation> then_;  // when it was listed, if that was another
  std::optional<uint64_t> promised_;
  conformance::Micros min_buffer_ = kSecond;
  test::MadeInit init_;
  conformance::DashMedia media_;
  std::string told_;
};

TEST_F(DashSegments, RightOnesPass) {
  EXPECT_EQ(init(), Ids{});
  for (uint64_t n = 10; n < 14; ++n) EXPECT_EQ(take(n, {1, n * 180000}), Ids{}) << told_;
}

TEST_F(DashSegments, InitFormat) {
  init_.mvex = false;
  EXPECT_EQ(init(), Ids{"init-format"});
  EXPECT_EQ(test::ids(media_.take_init(one_, as_bytes("no"))), Ids{"init-format"});
}

TEST_F(DashSegments, CodecsAndSizeUntrue) {
  one_.codecs = "avc1.4d401f";
  EXPECT_EQ(init(), Ids{"codecs-untrue"});
  one_.codecs = "avc1.64001e";
  one_.width = 641;
  EXPECT_EQ(init(), Ids{"size-untrue"});
}

TEST_F(DashSegments, SegmentFormat) {
  init();
  test::MadeChunk wrong{1, 0};
  wrong.tfdt = false;
  EXPECT_EQ(take(0, wrong), Ids{"segment-format"});
  EXPECT_EQ(test::ids(media_.take_segment(one_, {{9, 9, 180000}, one_.bandwidth}, 0, as_bytes("no segment"))),
            Ids{"segment-format"});
}

TEST_F(DashSegments, Times) {
  init();
  EXPECT_EQ(take(1, {1, 180000 + 5400}), Ids{"time-differs"});
  EXPECT_EQ(take(2, {1, 360000, 47}), (Ids{"time-back", "duration-differs"})) << told_;
  EXPECT_EQ(take(3, {1, 540000}), Ids{"time-hole"}) << told_;
  EXPECT_EQ(take(5, {1, 900000}), Ids{});
}

TEST_F(DashSegments, NotSap) {
  init();
  EXPECT_EQ(take(1, {1, 180000, 50, 3600, false, 1}), Ids{"not-sap"});
  EXPECT_EQ(take(2, {1, 360000, 50, 3600, true, 1}), Ids{"not-sap"});
}

TEST_F(DashSegments, ChunkWhole) {
  init();
  one_.complete = false;
  one_.available_early = kSecond;
  EXPECT_EQ(take(1, {1, 180000}), Ids{"chunk-whole"});
  const std::string chunks = test::made_chunk({1, 360000, 25}) + test::made_chunk({1, 450000, 25});
  EXPECT_EQ(test::text_of(
                media_.take_segment(one_, {{2, 360000, 180000}, one_.bandwidth}, kSecond, as_bytes(chunks))),
            "");
}

// The one that was being written when the manifest was read: its source may have ended.
TEST_F(DashSegments, AnOpenOneMayBeShorter) {
  init();
  one_.complete = false;
  one_.available_early = kSecond;
  one_.segments = {{1, 180000, 180000}};
  EXPECT_EQ(take(1, {1, 180000, 20}), Ids{}) << told_;
  EXPECT_EQ(take(1, {1, 180000, 60}), (Ids{"duration-differs", "chunk-whole"})) << told_;
  one_.segments.push_back({2, 360000, 180000});
  EXPECT_EQ(take(1, {1, 180000, 20}), Ids{"duration-differs"}) << told_;
}

// It is held to what was said of it when it was listed, though another manifest was read while it was loaded.
TEST_F(DashSegments, OneThatWasOpenMayBeShorterThanItWasListed) {
  init();
  one_.complete = false;
  one_.available_early = kSecond;
  one_.segments = {{1, 180000, 180000}};
  then_ = one_;
  one_.segments = {{1, 180000, 72000}};
  EXPECT_EQ(take(1, {1, 180000, 20}), Ids{}) << told_;
  one_.segments = {{1, 180000, 180000}};
  then_->complete = true;
  EXPECT_EQ(take(1, {1, 180000, 20}), Ids{"duration-differs"}) << told_;
}

TEST_F(DashSegments, BandwidthExceeded) {
  init();
  test::MadeChunk large{1, 180000};
  large.sample_bytes = 200;
  EXPECT_EQ(take(1, large), Ids{"bandwidth-exceeded"});
}

// 50 pictures of 200 bytes in 2 s are 40 kbit/s.
TEST_F(DashSegments, BandwidthIsWhatItWasWhenASegmentWasListed) {
  init();
  test::MadeChunk large{1, 180000};
  large.sample_bytes = 200;
  one_.bandwidth = 20'000;
  promised_ = 80'000;
  EXPECT_EQ(take(1, large), Ids{}) << "the MPD has another by now";
  one_.bandwidth = 80'000;
  promised_ = 20'000;
  large.time = 360000;
  EXPECT_EQ(take(2, large), Ids{"bandwidth-exceeded"}) << "that it was raised since does not help";
  // Of a set the highest.
  min_buffer_ = 4 * kSecond;
  promised_ = 80'000;
  large.time = 540000;
  EXPECT_EQ(take(3, large), Ids{});
}

}  // namespace
}  // namespace headgate

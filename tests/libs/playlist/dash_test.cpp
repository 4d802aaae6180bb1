// SPDX-License-Identifier: LGPL-2.1-or-later
// Manifests as text, whole.
#include <gtest/gtest.h>

#include <algorithm>

#include <playlist/dash.h>

#include "records.h"

namespace headgate::playlist {
namespace {

using test::init;
using test::kUtc;
using test::run;
using test::segment;

constexpr int64_t kRate = 48000;

SegmentFacts facts(const SegmentRecord& record, int64_t audio_start, int64_t audio_end) {
  SegmentFacts out;
  out.offset = record.offset;
  out.video_bytes = 450'000;
  out.audio_bytes = 30'000;
  out.audio_timescale = kRate;
  out.audio_start = audio_start;
  out.audio_end = audio_end;
  return out;
}

class DashTest : public testing::Test {
 protected:
  // A run of three segments, and after a cut of 7.2 s one of two, whose audio begins a little earlier.
  DashTest() {
    index_.add(run("r1", 0, 0));
    index_.add(init("aa", "r1/0.mp4"));
    add(segment(0, 0), 0, 96'256);
    add(segment(1, 2), 96'256, 192'512);
    add(segment(2, 4, 2.04), 192'512, 289'792);
    index_.add(run("r2", 3, 1, kUtc + 13'000'000));
    index_.add(init("bb", "r2/0.mp4"));
    add(segment(3, 13.24, 2, "bb", "r2/0.mp4"), 635'000, 731'136);
    add(segment(4, 15.24, 2, "bb", "r2/0.mp4"), 731'136, 827'392);
  }
  void add(const SegmentRecord& record, int64_t audio_start, int64_t audio_end) {
    index_.add(record);
    facts_.put(record.msn, facts(record, audio_start, audio_end));
  }

  StreamIndex index_;
  TrackFacts facts_;
};

TEST_F(DashTest, Dynamic) {
  EXPECT_EQ(timeline_zero_utc_us(index_), kUtc);
  EXPECT_EQ(dash_manifest(index_, facts_, {.zero_utc_us = kUtc, .base = "../../hls/42/"}) + dash_end(kUtc),
            R"(<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019" type="dynamic" availabilityStartTime="2025-11-21T05:00:00.000Z" publishTime="2025-11-21T05:00:17.240Z" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT18S" suggestedPresentationDelay="PT8S" maxSegmentDuration="PT4S" minBufferTime="PT4S">
 <BaseURL>../../hls/42/</BaseURL>
 <Period id="0" start="PT0.000000S">
   <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
    <Representation id="video" codecs="avc1.64001f" bandwidth="2250000" width="1280" height="720" frameRate="29970/1000">
    <SegmentTemplate timescale="90000" presentationTimeOffset="0" startNumber="0" initialization="vinit-aa.mp4" media="v$Number$.m4s">
     <SegmentTimeline>
      <S t="0" d="180000" r="1"/>
      <S d="183600"/>
     </SegmentTimeline>
    </SegmentTemplate>
    </Representation>
   </AdaptationSet>
   <AdaptationSet id="2" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">
    <SegmentTemplate timescale="48000" presentationTimeOffset="0" startNumber="0" initialization="ainit-aa.mp4" media="a$Number$.m4s">
     <SegmentTimeline>
      <S t="0" d="96256" r="1"/>
      <S d="97280"/>
     </SegmentTimeline>
    </SegmentTemplate>
    <Representation id="audio" codecs="mp4a.40.2" bandwidth="149787" audioSamplingRate="48000">
     <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
    </Representation>
   </AdaptationSet>
 </Period>
 <Period id="1" start="PT13.240000S">
   <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
    <Representation id="video" codecs="avc1.64001f" bandwidth="2250000" width="1280" height="720" frameRate="29970/1000">
    <SegmentTemplate timescale="90000" presentationTimeOffset="1191600" startNumber="3" initialization="vinit-bb.mp4" media="v$Number$.m4s">
     <SegmentTimeline>
      <S t="1191600" d="180000" r="1"/>
     </SegmentTimeline>
    </SegmentTemplate>
    </Representation>
   </AdaptationSet>
   <AdaptationSet id="2" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">
    <SegmentTemplate timescale="48000" presentationTimeOffset="635520" startNumber="3" initialization="ainit-bb.mp4" media="a$Number$.m4s">
     <SegmentTimeline>
      <S t="635000" d="96136"/>
      <S d="96256"/>
     </SegmentTimeline>
    </SegmentTemplate>
    <Representation id="audio" codecs="mp4a.40.2" bandwidth="149787" audioSamplingRate="48000">
     <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
    </Representation>
   </AdaptationSet>
 </Period>
 <UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2025-11-21T05:00:00.000Z"/>
</MPD>
)");
}

TEST_F(DashTest, Static) {
  const std::string text = dash_manifest(index_, facts_, {.everything = true, .ended = true});
  EXPECT_NE(text.find(" type=\"static\" mediaPresentationDuration=\"PT17.240000S\" maxSegmentDuration"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(" bandwidth=\"1800000\" "), std::string::npos) << "what it was, not what is expected\n"
                                                                     << text;
  for (const char* dynamic : {"availabilityStartTime", "minimumUpdatePeriod", "timeShiftBufferDepth"})
    EXPECT_EQ(text.find(dynamic), std::string::npos) << text;
}

// What a media time means stays the same, whatever has left.
TEST(Dash, PeriodsSlideAndTheirTimesDoNot) {
  StreamIndex index({.window_ms = 6000, .live_ms = 6000});
  TrackFacts none;
  index.add(run("r1", 0, 0, kUtc, 2000));
  index.add(init("aa", "r1/0.mp4"));
  for (uint64_t i = 0; i < 10; ++i) index.add(segment(i, static_cast<double>(2 * i)));
  const std::string text = dash_manifest(index, none, {.zero_utc_us = kUtc});
  EXPECT_NE(text.find(" <Period id=\"0\" start=\"PT14.000000S\">"), std::string::npos) << text;
  EXPECT_NE(text.find("presentationTimeOffset=\"1260000\" startNumber=\"7\""), std::string::npos) << text;
  EXPECT_NE(text.find("<S t=\"1260000\" d=\"180000\" r=\"2\"/>"), std::string::npos) << text;
  EXPECT_EQ(text.find("audio/mp4"), std::string::npos) << "nothing is known of it";
  EXPECT_EQ(text.find("BaseURL"), std::string::npos);
}

TEST(Dash, HolesAndOverlapsInsideAPeriod) {
  StreamIndex index;
  TrackFacts none;
  index.add(run("r1", 0, 0));
  index.add(init("aa", "r1/0.mp4"));
  index.add(segment(0, 0));
  index.add(segment(1, 2.2));  // 0.2 s that nobody sent
  index.add(segment(2, 4, 2));
  const std::string text = dash_manifest(index, none, {});
  EXPECT_NE(
      text.find(
          "      <S t=\"0\" d=\"180000\"/>\n      <S t=\"198000\" d=\"162000\"/>\n      <S d=\"180000\"/>\n"),
      std::string::npos)
      << text;
}

// Segments of two seconds, of which some have no audio.
class PartlySilent : public testing::Test {
 protected:
  void make(uint64_t count, const std::vector<uint64_t>& silent) {
    index_.add(run("r1", 0, 0));
    index_.add(init("aa", "r1/0.mp4"));
    for (uint64_t i = 0; i < count; ++i) {
      const SegmentRecord record = segment(i, static_cast<double>(2 * i));
      index_.add(record);
      const auto at = static_cast<int64_t>(i) * 96'000;
      SegmentFacts none;
      none.offset = record.offset;
      const bool is_silent = std::find(silent.begin(), silent.end(), i) != silent.end();
      known_.put(i, is_silent ? none : facts(record, at, at + 96'000));
    }
    text_ = dash_manifest(index_, known_, {});
  }
  bool has(const std::string& what) const { return text_.find(what) != std::string::npos; }

  StreamIndex index_;
  TrackFacts known_;
  std::string text_;
};

TEST_F(PartlySilent, AudioOfASegmentThatHasNoneIsWhereTheSegmentIs) {
  make(3, {1});
  EXPECT_TRUE(has("<S t=\"0\" d=\"96000\" r=\"2\"/>")) << text_;
}

// A run that was cut off behind a key frame ends with a segment of one picture; another begins without sound.
// What is listed is asked for, so these are not.
TEST_F(PartlySilent, AudioIsListedFromWhereItBeginsToWhereItEnds) {
  make(4, {0, 3});
  EXPECT_TRUE(has("presentationTimeOffset=\"0\" startNumber=\"0\" initialization=\"vinit-aa.mp4\"")) << text_;
  EXPECT_TRUE(has("presentationTimeOffset=\"0\" startNumber=\"1\" initialization=\"ainit-aa.mp4\"")) << text_;
  EXPECT_TRUE(has("<S t=\"96000\" d=\"96000\" r=\"1\"/>\n     </SegmentTimeline>")) << text_;
}

TEST_F(PartlySilent, APeriodWithoutAnySoundHasNoAudio) {
  make(2, {0, 1});
  EXPECT_FALSE(has("contentType=\"audio\"")) << text_;
  EXPECT_TRUE(has("contentType=\"video\"")) << text_;
}

// A replay reaches over a hole in the numbers: the Period's id is told apart by the number.
TEST(Dash, ANumberedHoleIsAPeriodOfItsOwn) {
  StreamIndex index;
  TrackFacts none;
  index.add(run("r1", 0, 0));
  index.add(init("aa", "r1/0.mp4"));
  index.add(segment(0, 0));
  index.add(segment(7, 30));
  const std::string text = dash_manifest(index, none, {.everything = true});
  EXPECT_NE(text.find("<Period id=\"0\" "), std::string::npos) << text;
  EXPECT_NE(text.find("<Period id=\"0-7\" start=\"PT30.000000S\">"), std::string::npos) << text;
  EXPECT_EQ(dash_manifest(index, none, {}).find("<Period id=\"0\" start=\"PT0"), std::string::npos);
}

// A rung that began later, with which a Period begins, and is a segment behind.
TEST_F(DashTest, Renditions) {
  StreamIndex rung;
  rung.add(run("d2", 3, 1, kUtc + 13'000'000));
  InitRecord small = init("cc", "d2/0.mp4");
  small.codecs = "avc1.4d401f";
  small.width = 640;
  small.height = 360;
  rung.add(small);
  add(segment(5, 17.24, 2, "bb", "r2/0.mp4"), 827'392, 923'648);
  SegmentRecord made = segment(4, 15.24, 2, "cc", "d2/0.mp4");
  made.length /= 5;
  rung.add(made);
  const DashSettings settings{.base = "b/",
                              .renditions = {{.name = "360p", .index = &rung, .bandwidth = 400'000}}};
  const std::string text = dash_manifest(index_, facts_, settings);
  const std::string expected =
      R"(    <Representation id="360p" codecs="avc1.4d401f" bandwidth="400000" width="640" height="360" frameRate="29970/1000">
    <SegmentTemplate timescale="90000" presentationTimeOffset="1371600" startNumber="4" initialization="360p/init-cc.mp4" media="360p/$Number$.m4s">
     <SegmentTimeline>
      <S t="1371600" d="180000"/>
     </SegmentTimeline>
    </SegmentTemplate>
    </Representation>
   </AdaptationSet>
)";
  EXPECT_NE(text.find(expected), std::string::npos) << text;
  EXPECT_EQ(text.find("360p"), text.find(expected) + 24) << "only in the Period in which it was made";
  // It is not made any more.
  for (uint64_t i = 6; i < 9; ++i)
    add(segment(i, 19.24 + 2 * static_cast<double>(i - 6), 2, "bb", "r2/0.mp4"), 923'648, 923'649);
  const std::string later = dash_manifest(index_, facts_, settings);
  EXPECT_NE(later.find("<Period id=\"1-5\""), std::string::npos) << later;
  EXPECT_EQ(later.find("360p", later.find("<Period id=\"1-5\"")), std::string::npos) << later;
}

// Three segments of a run that promises parts of 0.55 s, and some parts of the next one.
class LowLatencyDashTest : public testing::Test {
 protected:
  LowLatencyDashTest() {
    index_.add(run("r1", 0, 0, kUtc, 4000, 550));
    index_.add(init("aa", "r1/0.mp4"));
    add(segment(0, 0), 0, 96'256);
    add(segment(1, 2), 96'256, 192'512);
    add(segment(2, 4), 192'512, 288'768);
  }
  void add(const SegmentRecord& record, int64_t audio_start, int64_t audio_end) {
    index_.add(record);
    facts_.put(record.msn, facts(record, audio_start, audio_end));
  }
  void add_parts(uint64_t msn, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) index_.add(test::part(msn, i));
  }
  std::string text(std::vector<DashRendition> renditions = {}) const {
    return dash_manifest(index_, facts_, {.zero_utc_us = kUtc, .renditions = std::move(renditions)});
  }

  StreamIndex index_;
  TrackFacts facts_;
};

TEST_F(LowLatencyDashTest, TheOpenSegmentIsListedAsItWillBe) {
  const std::string before = text();
  add_parts(3, 1);
  EXPECT_EQ(text(),
            R"(<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019" type="dynamic" availabilityStartTime="2025-11-21T05:00:00.000Z" publishTime="2025-11-21T05:00:06.500Z" minimumUpdatePeriod="PT0.550000S" timeShiftBufferDepth="PT8S" suggestedPresentationDelay="PT8S" maxSegmentDuration="PT4S" minBufferTime="PT4S">
 <ServiceDescription id="0">
  <Latency referenceId="0" target="2750" min="1650" max="8000"/>
  <PlaybackRate min="0.96" max="1.04"/>
 </ServiceDescription>
 <Period id="0" start="PT0.000000S">
   <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
    <ProducerReferenceTime id="0" type="application" applicationScheme="urn:headgate:receipt:2026" wallClockTime="2025-11-21T05:00:00.000Z" presentationTime="0"/>
    <Representation id="video" codecs="avc1.64001f" bandwidth="2250000" width="1280" height="720" frameRate="29970/1000">
    <SegmentTemplate timescale="90000" presentationTimeOffset="0" startNumber="0" initialization="vinit-aa.mp4" media="v$Number$.m4s" availabilityTimeOffset="1.450000" availabilityTimeComplete="false">
     <SegmentTimeline>
      <S t="0" d="180000" r="3"/>
     </SegmentTimeline>
    </SegmentTemplate>
    </Representation>
   </AdaptationSet>
   <AdaptationSet id="2" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">
    <ProducerReferenceTime id="0" type="application" applicationScheme="urn:headgate:receipt:2026" wallClockTime="2025-11-21T05:00:00.000Z" presentationTime="0"/>
    <SegmentTemplate timescale="48000" presentationTimeOffset="0" startNumber="0" initialization="ainit-aa.mp4" media="a$Number$.m4s" availabilityTimeOffset="1.450000" availabilityTimeComplete="false">
     <SegmentTimeline>
      <S t="0" d="96256" r="3"/>
     </SegmentTimeline>
    </SegmentTemplate>
    <Representation id="audio" codecs="mp4a.40.2" bandwidth="149600" audioSamplingRate="48000">
     <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
    </Representation>
   </AdaptationSet>
 </Period>
)");
  EXPECT_NE(before.find("publishTime=\"2025-11-21T05:00:06.016Z\""), std::string::npos) << before;
  EXPECT_NE(before.find("<S t=\"0\" d=\"180000\" r=\"2\"/>"), std::string::npos) << before;
  // Nothing of it changes as it grows, nor when it is finished.
  const std::string first = text();
  for (uint32_t i = 1; i < 4; ++i) index_.add(test::part(3, i));
  EXPECT_EQ(text(), first);
  add(segment(3, 6), 288'768, 384'000);
  EXPECT_NE(text().find("<S t=\"0\" d=\"180000\" r=\"3\"/>"), std::string::npos) << text();
  EXPECT_NE(text().find("publishTime=\"2025-11-21T05:00:08.000Z\""), std::string::npos) << text();
  // Of the audio a frame is known now, and so what comes is.
  add_parts(4, 1);
  EXPECT_NE(text().find("<S t=\"0\" d=\"96256\" r=\"2\"/>\n      <S d=\"95232\"/>\n      <S d=\"96256\"/>\n"),
            std::string::npos)
      << text();
}

TEST_F(LowLatencyDashTest, OneThatIsLongerIsPutRight) {
  add_parts(3, 5);  // 2.5 s
  EXPECT_NE(text().find("<S t=\"0\" d=\"180000\" r=\"2\"/>\n      <S d=\"274500\"/>"), std::string::npos)
      << text();
  EXPECT_NE(text().find("publishTime=\"2025-11-21T05:00:08.500Z\""), std::string::npos) << text();
}

TEST_F(LowLatencyDashTest, NotWithoutAPromiseOrARhythmOrARun) {
  const auto low_latency = [](const std::string& text) {
    return text.find("availabilityTimeComplete") != std::string::npos;
  };
  const auto open_listed = [](const std::string& text) { return text.find("r=\"3\"") != std::string::npos; };
  add_parts(3, 1);
  EXPECT_TRUE(low_latency(text()) && open_listed(text()));
  EXPECT_FALSE(low_latency(dash_manifest(index_, facts_, {.everything = true})));
  EXPECT_FALSE(low_latency(dash_manifest(index_, facts_, {.ended = true})));
  StreamIndex ended = index_;
  ended.add(EndRecord{});
  const std::string after = dash_manifest(ended, facts_, {.zero_utc_us = kUtc});
  EXPECT_TRUE(low_latency(after)) << "players keep their ways";
  EXPECT_FALSE(open_listed(after)) << after;
  StreamIndex silent;
  silent.add(run("r1", 0, 0, kUtc, 4000));
  silent.add(init("aa", "r1/0.mp4"));
  for (uint64_t i = 0; i < 3; ++i) silent.add(segment(i, static_cast<double>(2 * i)));
  silent.add(test::part(3, 0));
  EXPECT_FALSE(low_latency(dash_manifest(silent, facts_, {})));
  StreamIndex odd;
  odd.add(run("r1", 0, 0, kUtc, 4000, 550));
  odd.add(init("aa", "r1/0.mp4"));
  double at = 0;
  for (uint64_t i = 0; i < 6; ++i) {
    odd.add(segment(i, at, 1 + 0.5 * static_cast<double>(i)));
    at += 1 + 0.5 * static_cast<double>(i);
  }
  EXPECT_FALSE(low_latency(dash_manifest(odd, facts_, {}))) << "no two alike";
}

// A rung is a segment behind, or writes the same one.
TEST_F(LowLatencyDashTest, Renditions) {
  StreamIndex rung;
  rung.add(run("d1", 0, 0, kUtc, 4000, 550));
  InitRecord small = init("cc", "d1/0.mp4");
  small.codecs = "avc1.4d401f";
  rung.add(small);
  for (uint64_t i = 0; i < 3; ++i) rung.add(segment(i, static_cast<double>(2 * i), 2, "cc", "d1/0.mp4"));
  add_parts(3, 2);
  const auto of_rung = [&] {
    const std::string whole = text({{"360p", &rung}});
    return whole.substr(whole.find("media=\"360p/"));
  };
  EXPECT_NE(of_rung().find("r=\"2\"/>"), std::string::npos) << of_rung();
  rung.add(test::part(3, 0));
  EXPECT_EQ(of_rung().find("media=\"360p/$Number$.m4s\" availabilityTimeOffset=\"1.450000\" "
                           "availabilityTimeComplete=\"false\">"),
            0u)
      << of_rung();
  EXPECT_NE(of_rung().find("r=\"3\"/>"), std::string::npos) << of_rung();
  add(segment(3, 6, 1.5), 288'768, 360'448);
  add_parts(4, 1);
  EXPECT_NE(of_rung().find("r=\"2\"/>\n      <S d=\"135000\"/>"), std::string::npos)
      << "as long as the source's\n"
      << of_rung();
}

// Shaka Player never looks again for a track that a Period had not when it first saw it.
TEST_F(LowLatencyDashTest, APeriodThatBeginsWithTheOpenSegmentHasItsSound) {
  StreamIndex rung;
  rung.add(run("d1", 0, 0, kUtc, 4000, 550));
  rung.add(init("cc", "d1/0.mp4"));
  for (uint64_t i = 0; i < 3; ++i) rung.add(segment(i, static_cast<double>(2 * i), 2, "cc", "d1/0.mp4"));
  DashPeriods periods;
  const auto told = [&](bool running) {
    const DashSettings settings{.zero_utc_us = kUtc, .renditions = {{"360p", &rung, running}}};
    return dash_manifest(index_, facts_, settings, periods);
  };
  EXPECT_NE(told(true).find("media=\"360p/$Number$.m4s\""), std::string::npos);
  // The rung has ended, so what is being written begins a Period: not with its picture alone.
  PartRecord picture = test::part(3, 0);
  picture.chunks.pop_back();
  index_.add(picture);
  EXPECT_EQ(told(false).find("<Period id=\"0-3\""), std::string::npos) << told(false);
  index_.add(test::part(3, 1));
  const std::string text = told(false);
  const std::string period = text.substr(std::min(text.find("<Period id=\"0-3\""), text.size()));
  EXPECT_NE(period.find("media=\"v$Number$.m4s\""), std::string::npos) << text;
  const size_t audio = period.find("media=\"a$Number$.m4s\"");
  ASSERT_NE(audio, std::string::npos) << text;
  EXPECT_NE(period.find("<S t=\"288768\" d=\"96256\"/>", audio), std::string::npos)
      << "behind that of the Period before\n"
      << text;
}

TEST(Dash, TheNodesClock) {
  EXPECT_EQ(dash_end(kUtc, "../time"),
            R"( <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="../time"/>
 <UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2025-11-21T05:00:00.000Z"/>
</MPD>
)");
  EXPECT_EQ(dash_time(kUtc), "2025-11-21T05:00:00.000Z");
}

TEST(Dash, NothingToListYet) {
  EXPECT_EQ(dash_manifest(StreamIndex(), {}, {}), "");
}

TEST(Dash, NamesAreEscaped) {
  StreamIndex index;
  TrackFacts none;
  index.add(run("r1", 0, 0));
  InitRecord odd = init("a\"<&>'\n", "x");
  odd.codecs = "avc1\"><Evil x='&amp;'\x01\xff,mp4a";
  index.add(odd);
  index.add(segment(0, 0, 2, odd.id));
  const std::string text = dash_manifest(index, none, {.base = "a&b<\"/"});
  EXPECT_NE(text.find("<BaseURL>a&amp;b&lt;&quot;/</BaseURL>"), std::string::npos) << text;
  EXPECT_NE(text.find(" codecs=\"avc1&quot;&gt;&lt;Evil x=&apos;&amp;amp;&apos;\" "), std::string::npos)
      << text;
  EXPECT_NE(text.find(" initialization=\"vinit-a%22%3C%26%3E%27%0A.mp4\""), std::string::npos) << text;
}

}  // namespace
}  // namespace headgate::playlist

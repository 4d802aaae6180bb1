// SPDX-License-Identifier: LGPL-2.1-or-later
// What a ladder says there would be of a source, before anything is decoded.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "ladder/encoders.h"
#include "ladder/ladder.h"
#include "plugin_test.h"

namespace headgate::abrhlssink {
namespace {

std::set<std::string> offered(const std::string& codecs) {
  LadderSettings settings;
  auto rungs = ladder::parse_rungs("240p@300k,180p@200k,144p@120k");
  EXPECT_TRUE(rungs);
  settings.rungs = std::move(rungs).value();
  settings.idle_ns = 1'000'000'000;
  test::ScratchDirectory scratch;
  settings.renditions.root = scratch.path();
  std::set<std::string> names;
  Ladder::Events events;
  events.records = [](std::vector<Renditions::Out>&&) {};
  events.wake = [] {};
  events.news = [&](const RungNews& news) {
    EXPECT_STREQ(news.state, "idle");
    EXPECT_TRUE(names.insert(news.rendition).second);
  };
  Ladder ladder(std::move(settings), std::move(events));
  playlist::InitRecord source;
  source.width = 320;
  source.height = 180;
  source.codecs = codecs;
  ladder.announce(source);
  return names;
}

// Who cannot play the source has nothing of its size otherwise.
TEST(LadderAnnounce, OnlyH264StandsForARungOfItsSize) {
  EXPECT_EQ(offered("avc1.64001f,mp4a.40.2"), (std::set<std::string>{"144p"}));
  for (const char* codecs : {"hvc1.1.6.L60.90,mp4a.40.2", "av01.0.00M.08", "vp09.00.10.08,mp4a.40.2"})
    EXPECT_EQ(offered(codecs), (std::set<std::string>{"144p", "180p"})) << codecs;
}

// Players change between rungs of one codec alone: each has one from the beginning.
TEST(LadderAnnounce, CodecsAreThoseOfTheEncoderThatWillBeTaken) {
  const auto expected = [](const std::string& encoder, const std::string& preset) {
    EncoderSettings settings;
    settings.encoder = encoder;
    settings.preset = preset;
    return expected_codecs(settings, 1280, 720, 25, 1, 2500);
  };
  EXPECT_EQ(expected("x264enc", "veryfast"), "avc1.64001f");
  EXPECT_EQ(expected("x264enc", "ultrafast"), "avc1.42c01f");
  EXPECT_EQ(expected("openh264enc", "ultrafast"), "avc1.42c01f");
  for (const std::string& name : encoder_names()) EXPECT_EQ(expected(name, "veryfast").size(), 11u) << name;
  EXPECT_EQ(expected("auto", "veryfast"), expected(encoder_name({}), "veryfast"));
}

}  // namespace
}  // namespace headgate::abrhlssink

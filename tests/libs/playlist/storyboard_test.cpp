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

// Segments 0 to 3, of 2 s but for one; pictures of all but one of them.
StreamIndex pictures_without(uint64_t missing) {
  StreamIndex source;
  source.add(run("r1", 0, 0));
  source.add(init("aa", "r1/0.mp4"));
  RenditionIndex pictures;
  pictures.add(run("p1", 0, 0), source);
  pictures.add(init("pp", "p1/0.mp4"), source);
  double at = 0;
  for (uint64_t msn = 0; msn < 4; ++msn) {
    const double length = msn == 1 ? 3.5 : 2;
    source.add(segment(msn, at, length));
    pictures.follow(source);
    if (msn != missing) pictures.add(segment(msn, at, length, "pp", "p1/0.mp4"), source);
    at += length;
  }
  return pictures.index();
}

TEST(Storyboard, ACueForEachPicture) {
  EXPECT_EQ(storyboard(pictures_without(9), "pictures/"),
            "WEBVTT\n"
            "\n00:00:00.000 --> 00:00:02.000\npictures/0.jpg\n"
            "\n00:00:02.000 --> 00:00:05.500\npictures/1.jpg\n"
            "\n00:00:05.500 --> 00:00:07.500\npictures/2.jpg\n"
            "\n00:00:07.500 --> 00:00:09.500\npictures/3.jpg\n");
}

TEST(Storyboard, TimeGoesOnWhereAPictureIsMissing) {
  EXPECT_EQ(storyboard(pictures_without(1)),
            "WEBVTT\n"
            "\n00:00:00.000 --> 00:00:02.000\n0.jpg\n"
            "\n00:00:05.500 --> 00:00:07.500\n2.jpg\n"
            "\n00:00:07.500 --> 00:00:09.500\n3.jpg\n");
}

TEST(Storyboard, LongStreamsHaveHours) {
  StreamIndex pictures;
  pictures.add(run("r1", 0, 0));
  pictures.add(init("aa", "r1/0.mp4"));
  for (uint64_t msn = 0; msn < 30; ++msn) pictures.add(segment(msn, 3600.0 * static_cast<double>(msn), 3600));
  const std::string text = storyboard(pictures);
  EXPECT_NE(text.find("\n26:00:00.000 --> 27:00:00.000\n26.jpg\n"), std::string::npos) << text;
}

TEST(Storyboard, WithoutPicturesItHasNoCue) {
  EXPECT_EQ(storyboard(StreamIndex()), "WEBVTT\n");
}

}  // namespace
}  // namespace headgate::playlist

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <requests.h>
#include <turns.h>

#include <string>

namespace headgate::origin {
namespace {

TEST(OriginRequests, PathsAreOfAClass) {
  for (const char* path : {"/hls/421/index.m3u8", "/hls/421/480p/media.m3u8", "/dash/421/manifest.mpd",
                           "/hls/421/storyboard.vtt", "/dash/421/time"})
    EXPECT_EQ(class_of(path), RequestClass::playlist) << path;
  for (const char* path : {"/hls/421/17.m4s", "/hls/421/v17.m4s", "/hls/421/init-0123456789abcdef.mp4",
                           "/hls/421/480p/17.m4s", "/hls/421/poster.jpg"})
    EXPECT_EQ(class_of(path), RequestClass::segment) << path;
  for (const char* path : {"/hls/421/17.2.m4s", "/hls/421/a17.2.m4s", "/hls/421/480p/17.0.m4s"})
    EXPECT_EQ(class_of(path), RequestClass::part) << path;
  for (const char* path : {"/", "/watch/421", "/assets/page.js"})
    EXPECT_EQ(class_of(path), RequestClass::page) << path;
  for (const char* path : {"/api/v1/streams", "/healthz"})
    EXPECT_EQ(class_of(path), RequestClass::api) << path;
  for (const char* path : {"", "/hls/421/", "/hls/421/x", "/etc/passwd", "/api"})
    EXPECT_EQ(class_of(path), RequestClass::other) << path;
}

TEST(OriginRequests, CountsByClassAndStatus) {
  Requests requests;
  requests.answered(RequestClass::segment, 200, 300, false);
  requests.answered(RequestClass::segment, 206, 700, false);
  requests.answered(RequestClass::segment, 404, 100, false);
  requests.answered(RequestClass::segment, 200, 2'000'000, true);
  requests.sent(RequestClass::segment, 1000);
  requests.sent(RequestClass::segment, 234);
  EXPECT_EQ(requests.json(),
            R"({"segment":{"1xx":0,"2xx":3,"3xx":0,"4xx":1,"5xx":0,"sent_bytes":1234,"waited":1,)"
            R"("durations":{"counts":[2,1,0,0,0,0,0,0,0,0,0,0,0,0,0],"sum_us":1100}}})");
}

TEST(OriginRequests, NoStatusIsOutOfRange) {
  Requests requests;
  requests.answered(RequestClass::other, 0, 0, false);
  requests.answered(RequestClass::other, 999, 0, false);
  EXPECT_NE(requests.json().find(R"("1xx":1,"2xx":0,"3xx":0,"4xx":0,"5xx":1)"), std::string::npos);
}

TEST(OriginRequests, ViewersAskedForMediaLately) {
  Requests requests;
  requests.asked(RequestClass::playlist, 9, 1'000'000);
  requests.asked(RequestClass::segment, 9, 2'000'000);
  requests.asked(RequestClass::part, 700, 3'000'000);
  requests.asked(RequestClass::page, 10, 3'000'000);
  requests.asked(RequestClass::playlist, -1, 3'000'000);
  EXPECT_EQ(requests.viewers(3'000'000), 2u);
  EXPECT_EQ(requests.viewers(2'000'000 + kViewerUs), 1u);
  EXPECT_EQ(requests.viewers(3'000'000 + kViewerUs), 0u);
}

// What comes while the loop works is seen a turn later, and has waited since.
TEST(Turns, ARequestIsNoOlderThanTheTurnBefore) {
  Turns turns;
  EXPECT_EQ(turns.earliest_us(), 0);
  turns.looked(1'000'000, 2'000'000);  // slept: it came when the loop woke up
  EXPECT_EQ(turns.earliest_us(), 2'000'000);
  turns.looked(2'300'000, 2'300'002);  // did not: it may have come at any time within those 300 ms
  EXPECT_EQ(turns.earliest_us(), 2'000'000);
  turns.looked(2'301'000, 2'301'001);
  EXPECT_EQ(turns.earliest_us(), 2'300'002);
  turns.looked(2'301'100, 2'400'000);
  EXPECT_EQ(turns.earliest_us(), 2'400'000);
}

}  // namespace
}  // namespace headgate::origin

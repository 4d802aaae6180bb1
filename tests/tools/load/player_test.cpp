// SPDX-License-Identifier: LGPL-2.1-or-later
// The player against a made-up server, on a made-up clock.
#include <gtest/gtest.h>
#include <load/player.h>

#include <cstdio>
#include <set>

namespace headgate::load {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kUtc = 1'789'365'600 * kSecond;  // when the test's clock is at zero

// A live stream of two-second segments that began at `began_us`; a segment is listed when it is complete.
class PlayerTest : public testing::Test {
 protected:
  std::string media_playlist(int64_t now) const {
    int64_t count = std::min((now - began_us_) / (2 * kSecond), last_segment_);
    int64_t first = std::max<int64_t>(0, count - window_);
    std::string out = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:" + std::to_string(first) +
                      "\n#EXT-X-MAP:URI=\"init.mp4\"\n";
    if (first < count) {
      int64_t seconds = (kUtc + began_us_) / kSecond + 2 * first - 1'789'365'600;
      char date[64];
      std::snprintf(date, sizeof date, "#EXT-X-PROGRAM-DATE-TIME:2026-09-14T06:%02d:%02d.000Z\n",
                    static_cast<int>(seconds / 60), static_cast<int>(seconds % 60));
      out += date;
    }
    for (int64_t i = first; i < count; ++i)
      out += (gaps_.contains(i) ? "#EXT-X-GAP\n#EXTINF:2,\n" : "#EXTINF:2,\n") + std::to_string(i) + ".m4s\n";
    if (count == last_segment_) out += "#EXT-X-ENDLIST\n";
    return out;
  }

  // Lets time pass; every request is answered after `answer_us`. Returns what was asked for.
  std::vector<std::string> run(int64_t until) {
    std::vector<std::string> asked;
    while (now_ < until) {
      if (auto request = player_.next(now_)) {
        asked.push_back(request->path);
        times_.push_back(now_);
        now_ += answer_us_;
        if (down_) {
          player_.on_failure(now_);
          continue;
        }
        std::string body;
        if (request->path.ends_with("index.m3u8"))
          body =
              "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nmedia.m3u8\n";
        if (request->path.ends_with("media.m3u8")) body = media_playlist(now_ - answer_us_);
        int status = missing_.contains(request->path) ? 404 : 200;
        if (auto wrong = player_.on_response(now_, kUtc + now_, status, body)) errors_.push_back(*wrong);
        continue;
      }
      int64_t due = std::min(until, player_.due_us());
      if (due <= now_) {
        ADD_FAILURE() << "due at " << due << " with nothing to ask at " << now_;
        break;
      }
      now_ = due;
    }
    player_.advance(now_);
    return asked;
  }

  Player player_{"h:80", "/hls/1/index.m3u8"};
  int64_t now_ = 60 * kSecond;
  int64_t began_us_ = 0;
  int64_t last_segment_ = INT64_MAX;
  int64_t window_ = 6;
  int64_t answer_us_ = 10'000;
  bool down_ = false;
  std::set<int64_t> gaps_;
  std::set<std::string> missing_;
  std::vector<int64_t> times_;
  std::vector<std::string> errors_;
};

TEST_F(PlayerTest, JoinsThreeTargetsBehindAndStaysThere) {
  auto asked = run(60 * kSecond + 100'000);
  EXPECT_EQ(asked, (std::vector<std::string>{"/hls/1/index.m3u8", "/hls/1/media.m3u8", "/hls/1/init.mp4",
                                             "/hls/1/27.m4s", "/hls/1/28.m4s", "/hls/1/29.m4s"}));
  EXPECT_EQ(player_.picture(), Player::Picture::kPlaying);
  Player::Events events = player_.take_events();
  ASSERT_TRUE(events.startup_s);
  EXPECT_NEAR(*events.startup_s, 0.04, 1e-6);
  run(100 * kSecond);
  events = player_.take_events();
  EXPECT_EQ(events.segments, 19u);  // those that were complete at 62, 64, …, 98 s
  EXPECT_EQ(events.stalls, 0u);
  EXPECT_EQ(events.skipped, 0u);
  ASSERT_TRUE(events.latency_s);
  EXPECT_NEAR(*events.latency_s, 6, 0.2);
  EXPECT_TRUE(errors_.empty());
}

TEST_F(PlayerTest, PollsByTheTargetDurationAndTwiceAsOftenWithoutNews) {
  now_ = 61 * kSecond;  // between two segments: every reading finds one new segment
  run(61 * kSecond + 100'000);
  times_.clear();
  auto asked = run(69 * kSecond + 500'000);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/hls/1/media.m3u8"), 4);
  // The publisher goes away: the playlist stays as it is.
  std::string frozen = media_playlist(now_);
  int64_t polls = 0, first = now_;
  while (now_ < first + 8 * kSecond) {
    if (auto request = player_.next(now_)) {
      polls += request->path.ends_with("media.m3u8");
      player_.on_response(now_, kUtc + now_, 200, frozen);
    } else {
      now_ = player_.due_us();
    }
  }
  EXPECT_GE(polls, 7);
  EXPECT_LE(polls, 9);
}

TEST_F(PlayerTest, StallsWhenNothingComesAndGoesOn) {
  run(70 * kSecond);
  player_.take_events();
  down_ = true;
  auto asked = run(90 * kSecond);
  Player::Events events = player_.take_events();
  EXPECT_EQ(player_.picture(), Player::Picture::kStalled);
  EXPECT_EQ(events.stalls, 1u);
  EXPECT_GT(events.stall_s, 13);  // about six seconds were in the buffer
  EXPECT_LT(events.stall_s, 17);
  EXPECT_GT(asked.size(), 10u);
  EXPECT_LT(asked.size(), 25u) << "it must not hammer a server that is down";
  EXPECT_FALSE(events.stood_s) << "it is not over";
  EXPECT_DOUBLE_EQ(player_.standing_s(), events.stall_s);
  const double stood_s = events.stall_s;
  down_ = false;
  run(95 * kSecond);
  EXPECT_EQ(player_.picture(), Player::Picture::kPlaying);
  events = player_.take_events();
  EXPECT_EQ(events.stalls, 0u);
  EXPECT_GE(events.stood_s.value_or(0), stood_s);
  EXPECT_EQ(player_.standing_s(), 0);
  EXPECT_GT(events.segments, 4u);
}

TEST_F(PlayerTest, SkipsWhatFellOutOfTheWindow) {
  window_ = 3;
  run(62 * kSecond);
  player_.take_events();
  down_ = true;
  run(82 * kSecond);
  down_ = false;
  run(90 * kSecond);
  Player::Events events = player_.take_events();
  EXPECT_GE(events.skipped, 6u);
  EXPECT_EQ(player_.picture(), Player::Picture::kPlaying);
  EXPECT_TRUE(errors_.empty());
}

TEST_F(PlayerTest, ASegmentThatIsNotThereIsLeftOut) {
  missing_ = {"/hls/1/28.m4s"};
  auto asked = run(64 * kSecond);
  EXPECT_EQ(errors_, std::vector<std::string>{"status 404"});
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/hls/1/28.m4s"), 1);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/hls/1/29.m4s"), 1);
  EXPECT_EQ(player_.take_events().skipped, 1u);
}

TEST_F(PlayerTest, GapsAreNotAskedFor) {
  gaps_ = {28, 29};
  auto asked = run(66 * kSecond);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/hls/1/28.m4s"), 0);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/hls/1/29.m4s"), 0);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/hls/1/30.m4s"), 1);
}

TEST_F(PlayerTest, AnEndedStreamIsPlayedFromTheStartToTheEnd) {
  last_segment_ = 30;
  window_ = 100;
  auto asked = run(62 * kSecond);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/hls/1/0.m4s"), 1);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/hls/1/25.m4s"), 0) << "the buffer has a limit";
  EXPECT_LE(player_.buffered_s(), kMaxBufferSeconds + 2);
  asked = run(130 * kSecond);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/hls/1/29.m4s"), 1);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/hls/1/media.m3u8"), 0);
  EXPECT_EQ(player_.picture(), Player::Picture::kEnded);
  EXPECT_EQ(player_.take_events().stalls, 0u);
  EXPECT_EQ(player_.due_us(), INT64_MAX);
}

TEST_F(PlayerTest, WaitsForAStreamThatIsNotThereYet) {
  missing_ = {"/hls/1/index.m3u8"};
  auto asked = run(65 * kSecond);
  EXPECT_GE(asked.size(), 4u);
  EXPECT_LE(asked.size(), 6u);
  EXPECT_EQ(player_.picture(), Player::Picture::kStarting);
  missing_.clear();
  began_us_ = 64 * kSecond;  // and then has no segment for a while
  run(68 * kSecond);
  EXPECT_EQ(player_.picture(), Player::Picture::kPlaying);
  EXPECT_GT(*player_.take_events().startup_s, 5);
}

}  // namespace
}  // namespace headgate::load

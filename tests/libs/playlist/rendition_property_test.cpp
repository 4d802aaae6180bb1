// SPDX-License-Identifier: LGPL-2.1-or-later
// Random lives of a rung beside its source, each seen through its live playlist after every record by a
// checker that knows RFC 8216 and nothing of us: encoders that come late, pause, fail, hang and come back,
// and publishers that come back.
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <playlist/hls.h>
#include <playlist/rendition_index.h>

#include "hls_checker.h"
#include "records.h"

namespace headgate::playlist {
namespace {

using test::kSecond;

constexpr uint32_t kParts = 4, kPromisedMs = 4000;
constexpr int64_t kPart = kSecond / 2;
constexpr IndexSettings kSettings{.window_ms = 30'000, .live_ms = 12'000};

// What is told of a rendition: "" is the source.
using Told = std::pair<bool, Record>;  // true: the rung's

class RandomLife {
 public:
  RandomLife(uint32_t seed, bool in_parts) : random_(seed), in_parts_(in_parts) {
    begin_run();
    say(RenditionState::running);
  }

  // What is told next, in its order.
  std::vector<Told> step() {
    if (part_ == 0) between_segments();
    if (up_to(60) == 0) fail();
    tell_part();
    if (++part_ == kParts || up_to(80) == 0) finish_segment();
    for (; !hangs_ && coming_.size() > lag_; coming_.pop_front())
      told_.push_back({true, std::move(coming_.front())});
    return std::exchange(told_, {});
  }

 private:
  int up_to(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n + 1)); }

  void of_source(Record record) { told_.push_back({false, std::move(record)}); }
  // It comes when its encoder is so far.
  void of_rung(Record record) { coming_.push_back(std::move(record)); }
  void say(RenditionState state) {
    of_rung(RenditionRecord{.state = state, .codecs = "avc1.4d401f", .width = 640, .height = 360});
    runs_rung_ = state == RenditionState::running;
  }

  void begin_run() {
    pts_ += up_to(20) * kSecond;
    ++runs_;
    run_ = test::run("r" + std::to_string(1000 + runs_), msn_, runs_ - 1, test::kUtc + pts_ * 100 / 9,
                     kPromisedMs, in_parts_ ? 550 : 0);
    of_source(run_);
    of_source(test::init("aa", run_.run + "/0.mp4"));
    rung_open_ = false;
  }

  void between_segments() {
    if (up_to(40) == 0 && segments_ > 0) {
      of_source(EndRecord{"disconnect"});
      end_rung("disconnect");
      segments_ = 0;
      begin_run();
    }
    if (up_to(25) == 0) {
      if (runs_rung_) {
        say(up_to(1) == 0 ? RenditionState::paused : RenditionState::idle);
        end_rung("paused");
      } else {
        say(RenditionState::running);
      }
    }
    if (up_to(25) == 0) hangs_ = !hangs_;
    if (up_to(10) == 0) lag_ = static_cast<size_t>(up_to(14));
    if (runs_rung_ && !rung_open_) {
      of_rung(test::run(run_.run + "x" + std::to_string(1000 + ++rung_runs_), msn_, runs_ - 1));
      of_rung(test::init("bb", "d/0.mp4"));
      rung_open_ = true;
    }
    rung_has_segment_ = rung_open_;
  }
  // Within a segment.
  void fail() {
    if (!rung_open_) return;
    say(RenditionState::paused);
    end_rung("error");
  }
  void end_rung(const char* why) {
    if (std::exchange(rung_open_, false)) of_rung(EndRecord{why});
    rung_has_segment_ = false;
  }

  void tell_part() {
    PartRecord part = test::part(msn_, part_);
    part.file = run_.run + "/0.mp4";
    part.pts = pts_ + part_ * kPart;
    part.duration = kPart;
    part.utc_us = test::kUtc + part.pts * 100 / 9;
    if (in_parts_) of_source(part);
    part.file = "d/0.mp4";
    if (in_parts_ && rung_has_segment_) of_rung(part);
  }
  void finish_segment() {
    SegmentRecord whole = test::segment(msn_, 0, 2, "aa", run_.run + "/0.mp4");
    whole.pts = pts_;
    whole.duration = part_ * kPart;
    whole.length = uint64_t{part_} * 125'000;
    whole.utc_us = test::kUtc + pts_ * 100 / 9;
    of_source(whole);
    whole.init_id = "bb";
    whole.file = "d/0.mp4";
    if (rung_has_segment_) of_rung(whole);
    pts_ += whole.duration;
    ++msn_;
    ++segments_;
    part_ = 0;
  }

  std::mt19937 random_;
  const bool in_parts_;
  RunRecord run_;
  uint64_t msn_ = 0;
  uint32_t part_ = 0;
  uint64_t runs_ = 0;
  int rung_runs_ = 0, segments_ = 0;
  int64_t pts_ = 0;
  bool runs_rung_ = false, rung_open_ = false, rung_has_segment_ = false, hangs_ = false;
  size_t lag_ = 2;  // records that the rung is behind
  std::deque<Record> coming_;
  std::vector<Told> told_;
};

class RenditionProperty : public testing::TestWithParam<uint32_t> {};

// As the origin has them.
struct Indices {
  StreamIndex source{kSettings};
  RenditionIndex rung{kSettings};
  void take(const Told& told) {
    if (told.first) return rung.add(told.second, source);
    source.add(told.second);
    rung.follow(source);
  }
};

TEST_P(RenditionProperty, ARungsLivePlaylistKeepsItsPromises) {
  for (const bool in_parts : {true, false}) {
    RandomLife life(GetParam(), in_parts);
    Indices now;
    test::LiveChecker checker;
    for (int i = 0; i < 600 && !HasFailure(); ++i) {
      for (const Told& told : life.step()) {
        now.take(told);
        if (now.rung.index().segments().empty()) continue;
        const std::string text = media_playlist(now.rung.index(), {});
        for (const std::string& fault : checker.check(text))
          ADD_FAILURE() << "step " << i << (in_parts ? " in parts: " : ": ") << fault << "\n" << text;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RenditionProperty, testing::Range(0u, 24u));

}  // namespace
}  // namespace headgate::playlist

// SPDX-License-Identifier: LGPL-2.1-or-later
// A packager whose parts are told as one line each.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string>

#include <fmp4/packager.h>
#include <fmp4/reader.h>

#include "tracks.h"

namespace headgate::fmp4 {

using codec::Kind;
using test::audio_track;
using test::video_track;

constexpr int64_t kFrame = 3600;  // 25 per second at 90 kHz
constexpr int64_t kAudioFrame = 1024;
constexpr int64_t kRate = 48000;

class PackagerTest : public testing::Test {
 protected:
  void start(bool video, bool audio, PackagerSettings settings = {}) {
    presentation_ = {};
    if (video) presentation_.video = video_track();
    if (audio) presentation_.audio = audio_track();
    packager_.emplace(presentation_, settings);
    file_ = init_segment(presentation_).value();
  }

  Result<void> push(Kind kind, int64_t dts, bool key = false, int64_t composition = 0) {
    AccessUnit unit;
    unit.kind = kind;
    unit.dts = dts;
    unit.pts = dts + composition;
    unit.key = key;
    unit.data = Bytes(payload_).first(kind == Kind::video ? 1000 + static_cast<size_t>(dts % 7) : 200);
    unit.utc_us = 1'000'000 + dts;
    Result<void> pushed = packager_->push(std::move(unit));
    drain();
    return pushed;
  }
  void settle() {
    packager_->settle();
    drain();
  }
  void flush() {
    packager_->flush();
    drain();
  }
  void video(int frame, int gop = 50) { EXPECT_TRUE(push(Kind::video, frame * kFrame, frame % gop == 0)); }
  void audio(int frame) { EXPECT_TRUE(push(Kind::audio, frame * kAudioFrame)); }
  // As a sender interleaves them: `lag_ms` is how much later audio comes than video of the same time.
  void both(int from_ms, int to_ms, int lag_ms = 0) {
    for (int ms = from_ms; ms < to_ms + lag_ms; ++ms) {
      if (ms < to_ms && ms % 40 == 0) video(ms / 40);
      const int audio_ms = ms - lag_ms;
      if (audio_ms < from_ms) continue;
      const int64_t samples = int64_t{audio_ms} * 48;
      const int64_t frame = (samples + kAudioFrame - 1) / kAudioFrame;
      if (frame * kAudioFrame < samples + 48) audio(static_cast<int>(frame));
    }
  }

  // "S K v 0+0.52 25v 24a": starts a segment, key frame, pts and duration in seconds, frames of each kind.
  void drain() {
    while (const std::optional<Part> part = packager_->next_part()) {
      const auto count = [&](Kind kind) {
        return std::count_if(part->frames.begin(), part->frames.end(),
                             [kind](const Frame& frame) { return frame.kind == kind; });
      };
      char line[128];
      std::snprintf(line, sizeof line, "%s%s %.3f+%.3f %tdv %tda\n", part->starts_segment ? "S" : "-",
                    part->independent ? "K" : "-", static_cast<double>(part->pts) / kPartTimescale,
                    static_cast<double>(part->duration) / kPartTimescale, count(Kind::video),
                    count(Kind::audio));
      told_ += line;
      check(*part);
      const ByteVector bytes = test::joined(*part);
      file_.insert(file_.end(), bytes.begin(), bytes.end());
    }
  }

  // What holds for every part.
  void check(const Part& part) {
    const ByteVector bytes = test::joined(part);
    ASSERT_EQ(bytes.size(), part.length);
    ASSERT_EQ(part.frames.size(), part.units.size());
    EXPECT_TRUE(!ended_ || part.starts_segment);
    ended_ = part.ends_segment;
    const Source source = source_of(bytes);
    ChunkWalker walker(source, 0);
    size_t frames = 0;
    for (const Chunk& chunk : part.chunks) {
      const std::optional<ChunkInfo> info = walker.next();
      ASSERT_TRUE(info) << walker.reason();
      EXPECT_EQ(info->offset, chunk.offset);
      EXPECT_EQ(info->length, chunk.length);
      EXPECT_EQ(info->track_id, chunk.track_id);
      EXPECT_EQ(info->sequence, next_sequence_++);
      const std::span<const AccessUnit> units = std::span(part.units).subspan(frames, info->samples);
      EXPECT_EQ(info->decode_time, static_cast<uint64_t>(units[0].dts));
      EXPECT_EQ(info->first_is_sync, units[0].key || units[0].kind == Kind::audio);
      int64_t pts = units[0].pts;
      for (const AccessUnit& unit : units) pts = std::min(pts, unit.pts);
      EXPECT_EQ(info->earliest_pts, pts);
      frames += info->samples;
    }
    EXPECT_EQ(frames, part.units.size());
    EXPECT_FALSE(walker.next());
    EXPECT_EQ(walker.end(), WalkEnd::complete) << walker.reason();
    // Payload stands in the file in the order of frames.
    size_t at = 0, frame = 0;
    for (const Chunk& chunk : part.chunks) {
      const size_t end = chunk.offset + chunk.length;
      size_t payload = 0, last = frame;
      while (last < part.frames.size() &&
             (part.frames[last].kind == Kind::video ? kVideoTrackId : kAudioTrackId) == chunk.track_id)
        payload += part.frames[last++].data.size();
      at = end - payload;
      for (; frame < last; ++frame) {
        const Bytes data = part.frames[frame].data;
        ASSERT_TRUE(std::equal(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at)));
        at += data.size();
      }
      EXPECT_EQ(at, end);
    }
  }

  // All chunks of a track: each begins where the last ended, or later.
  void expect_continuous(uint32_t track_id) {
    const Source source = source_of(file_);
    ChunkWalker walker(source, read_init(source)->length);
    std::optional<uint64_t> end;
    while (const std::optional<ChunkInfo> info = walker.next()) {
      if (info->track_id != track_id) continue;
      if (end) {
        EXPECT_EQ(info->decode_time, *end);
      }
      end = info->decode_time + info->duration;
    }
    EXPECT_EQ(walker.end(), WalkEnd::complete) << walker.reason();
    EXPECT_TRUE(end);
  }

  std::string take() { return std::exchange(told_, {}); }

  Presentation presentation_;
  std::optional<Packager> packager_;
  ByteVector payload_ = ByteVector(4096, std::byte{0x5a});
  ByteVector file_;
  uint32_t next_sequence_ = 1;
  std::string told_;
  bool ended_ = false;  // the last part said that it ends its segment
};

}  // namespace headgate::fmp4

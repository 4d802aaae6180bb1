// SPDX-License-Identifier: LGPL-2.1-or-later
// What sessions send over SRT, as the product's own demuxer reads it; that others can, load_test.py shows.
#include <gtest/gtest.h>
#include <load/ts_clip.h>
#include <mpegts/demuxer.h>

#include <algorithm>
#include <map>

#include <base/encoding.h>

#include "flv_sample.h"
#include "h264.h"

namespace headgate::load {
namespace {

constexpr int kFrames = 30, kFrameMs = 40, kGop = 10, kSounds = 56;
constexpr int64_t kLengthMs = kFrames * kFrameMs;

ByteVector of_hex(const std::string& text) {
  return *from_hex(text);
}

// Three GOPs, a picture of some kilobytes in each, composition offsets; AAC at 48 kHz for as long.
ByteVector sample(bool sound = true) {
  ByteVector flv = flv_header();
  const ByteVector sps = of_hex(mpegts::test::kSps), pps = of_hex(mpegts::test::kPps);
  ByteVector avc = body({0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x0c, 0xff, 0xe1});
  ByteWriter writer(avc);
  writer.u16(sps.size());
  writer.bytes(sps);
  writer.u8(1);
  writer.u16(pps.size());
  writer.bytes(pps);
  tag(flv, 9, 0, avc);
  if (sound) tag(flv, 8, 0, body({0xaf, 0, 0x11, 0x90}));
  for (int i = 0, s = 0; i < kFrames; ++i) {
    ByteVector picture = body({i % kGop == 0 ? 0x17 : 0x27, 1, 0, 0, i % 3 == 1 ? 80 : 40});
    const ByteVector unit = of_hex(i % kGop == 0 ? mpegts::test::idr(i) : mpegts::test::picture(i));
    const size_t size = i % kGop == 5 ? 5000 : unit.size();
    ByteWriter(picture).u32(size);
    picture.insert(picture.end(), unit.begin(), unit.end());
    picture.resize(5 + 4 + size, std::byte{0x55});
    tag(flv, 9, static_cast<uint32_t>(i * kFrameMs), picture);
    for (; sound && s < kSounds && s * 1024 / 48 < (i + 1) * kFrameMs; ++s)
      tag(flv, 8, static_cast<uint32_t>(s * 1024 / 48), body({0xaf, 1}, 180, static_cast<uint8_t>(s)));
  }
  return flv;
}

class Reader : public mpegts::Sink {
 public:
  void on_program(std::span<mpegts::Stream> streams) override {
    for (auto& stream : streams) {
      stream.taken = true;
      kinds[stream.pid] = stream.kind;
    }
  }
  void on_config(uint16_t, const codec::Track&) override { ++configs; }
  void on_problem(uint16_t, const std::string& problem) override { ADD_FAILURE() << problem; }
  std::span<std::byte> begin(const mpegts::Unit& unit) override {
    data.resize(unit.size);
    return data;
  }
  void complete(const mpegts::Unit& unit, std::span<std::byte>) override {
    EXPECT_FALSE(unit.after_loss);
    (kinds.at(unit.pid) == mpegts::Kind::video ? video : audio).push_back(unit);
  }
  std::map<uint16_t, mpegts::Kind> kinds;
  std::vector<mpegts::Unit> video, audio;
  int configs = 0;
  ByteVector data;
};

// What a session's first `count` payloads carry.
void read(const TsClip& clip, uint32_t first, uint64_t count, Reader& reader) {
  mpegts::Demuxer demuxer(reader);
  std::array<std::byte, TsClip::kPayloadBytes> buffer;
  for (uint64_t i = 0; i < count; ++i) {
    const size_t size = clip.copy(first, i, buffer);
    EXPECT_GT(size, 0u);
    EXPECT_EQ(size % TsClip::kPacketBytes, 0u);
    demuxer.feed(Bytes(buffer).first(size));
  }
  demuxer.flush();
  EXPECT_EQ(demuxer.stats().discontinuities, 0u);
  EXPECT_EQ(demuxer.stats().sync_losses, 0u);
  EXPECT_EQ(demuxer.stats().broken_pes, 0u);
  EXPECT_EQ(demuxer.stats().refused_sections, 0u);
}

TEST(TsClip, EverythingGoesRoundAndRoundWithoutASeam) {
  const ByteVector flv = sample();
  auto clip = TsClip::parse(flv);
  ASSERT_TRUE(clip) << clip.error().message;
  EXPECT_EQ(clip->length_ms(), kLengthMs);
  ASSERT_EQ(clip->keyframes().size(), 3u);
  for (size_t gop = 0; gop < clip->keyframes().size(); ++gop) {
    const uint32_t first = clip->keyframes()[gop];
    Reader reader;
    const uint64_t count = 3 * clip->payloads().size();
    read(*clip, first, count, reader);
    ASSERT_EQ(reader.video.size(), 3u * kFrames);
    EXPECT_EQ(reader.audio.size(), 3u * kSounds);
    EXPECT_TRUE(reader.video.front().key);
    EXPECT_EQ(std::ranges::count_if(reader.video, [](const auto& unit) { return unit.key; }), 9);
    for (size_t i = 1; i < reader.video.size(); ++i)
      EXPECT_EQ((*reader.video[i].dts - *reader.video[i - 1].dts) % mpegts::kTimeWrap, kFrameMs * 90u) << i;
    for (size_t i = 0; i < reader.video.size(); ++i)
      EXPECT_EQ(*reader.video[i].pts - *reader.video[i].dts, ((i + gop * kGop) % 3 == 1 ? 80u : 40u) * 90)
          << i;
    for (size_t i = 1; i < reader.audio.size(); ++i)
      EXPECT_NEAR(static_cast<double>(*reader.audio[i].pts - *reader.audio[i - 1].pts), 1920.0, 600.0) << i;
  }
}

TEST(TsClip, FramesAreCountedWhereTheyEnd) {
  const ByteVector flv = sample();
  auto clip = TsClip::parse(flv);
  ASSERT_TRUE(clip);
  const uint32_t first = clip->keyframes()[1];
  for (uint64_t count = 0; count < 2 * clip->payloads().size(); ++count) {
    Reader reader;
    read(*clip, first, count, reader);
    const Clip::Counts counts = clip->count(first, count);
    EXPECT_EQ(counts.audio, reader.audio.size()) << count;
    EXPECT_EQ(counts.video, reader.video.size()) << count;
  }
}

TEST(TsClip, TimesPassTheirWrap) {
  const ByteVector flv = sample(false);
  auto clip = TsClip::parse(flv);
  ASSERT_TRUE(clip);
  // 26.5 hours.
  const uint64_t rounds = mpegts::kTimeWrap / 90 / static_cast<uint64_t>(kLengthMs);
  Reader reader;
  mpegts::Demuxer demuxer(reader);
  std::array<std::byte, TsClip::kPayloadBytes> buffer;
  for (uint64_t i = (rounds - 1) * clip->payloads().size(); i < (rounds + 2) * clip->payloads().size(); ++i)
    demuxer.feed(Bytes(buffer).first(clip->copy(0, i, buffer)));
  demuxer.flush();
  ASSERT_EQ(reader.video.size(), 3u * kFrames);
  EXPECT_TRUE(std::ranges::any_of(reader.video, [](const auto& unit) { return *unit.dts < 90'000; }));
  for (size_t i = 1; i < reader.video.size(); ++i)
    EXPECT_EQ((*reader.video[i].dts - *reader.video[i - 1].dts + mpegts::kTimeWrap) % mpegts::kTimeWrap,
              kFrameMs * 90u);
}

TEST(TsClip, PayloadsAreDueInOrderAndFilled) {
  const ByteVector flv = sample();
  auto clip = TsClip::parse(flv);
  ASSERT_TRUE(clip);
  const auto payloads = clip->payloads();
  for (size_t i = 1; i < payloads.size(); ++i) {
    EXPECT_GE(payloads[i].time_ms, payloads[i - 1].time_ms);
    const bool starts = std::ranges::count(clip->keyframes(), static_cast<uint32_t>(i)) > 0;
    EXPECT_TRUE(starts || payloads[i - 1].size == TsClip::kPayloadBytes) << i;
  }
  EXPECT_LT(payloads.back().time_ms, kLengthMs);
}

TEST(TsClip, WhatTransportStreamsCannotCarryIsRefused) {
  EXPECT_FALSE(TsClip::parse({}));
  ByteVector flv = flv_header();
  tag(flv, 9, 0, body({0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x0c, 0xff, 0xe1, 0xff, 0xff}));
  tag(flv, 9, 0, body({0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65}));
  EXPECT_EQ(TsClip::parse(flv).error().message, "its H.264 sequence header is cut short");
}

}  // namespace
}  // namespace headgate::load

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "synthetic_media.h"

#include <base/encoding.h>

#include <cstdlib>

namespace headgate::test {
namespace {

// x264, 320x180 and 640x360; AAC-LC, 48 kHz, two channels.
constexpr char kAvcc[] = "0142c00cffe100176742c00cda05067e7c0440000003004000000c83c50aa801000468ce0fc8";
constexpr char kOtherAvcc[] =
    "0142c01effe100196742c01eda0280bfe5c044000003000400000300c83c58ba8001000468ce0fc8";
constexpr char kAsc[] = "1190";

constexpr int64_t kFrameTicks = 3600;
constexpr int64_t kFramesPerGop = 25;
constexpr int64_t kAudioSamples = 1024;

codec::Track must(Result<codec::Track> track) {
  if (!track) std::abort();
  return *track;
}

fmp4::Presentation make_presentation(const SyntheticSettings& settings) {
  fmp4::Presentation presentation;
  if (settings.video)
    presentation.video = must(codec::track_from_avcc(*from_hex(settings.other_config ? kOtherAvcc : kAvcc)));
  if (settings.audio) presentation.audio = must(codec::track_from_asc(*from_hex(kAsc)));
  return presentation;
}

fmp4::PackagerSettings packager_settings(const SyntheticSettings& settings) {
  fmp4::PackagerSettings out;
  out.part_ms = settings.part_ms;
  out.segment_ms = settings.segment_ms;
  return out;
}

}  // namespace

SyntheticMedia::SyntheticMedia(const SyntheticSettings& settings, int64_t start, int64_t utc_us)
    : settings_(settings),
      presentation_(make_presentation(settings)),
      packager_(presentation_, packager_settings(settings)),
      random_(settings.seed),
      start_(start),
      utc_us_(utc_us) {}

fmp4::AccessUnit SyntheticMedia::unit(codec::Kind kind, int64_t dts, int64_t pts, uint32_t duration,
                                      bool key) {
  bool video = kind == codec::Kind::video;
  size_t about = video ? settings_.video_bytes * (key ? 4 : 1) : settings_.audio_bytes;
  size_t size = about / 2 + random_() % about + 8;
  auto* bytes = new ByteVector(size);
  for (std::byte& byte : *bytes) byte = static_cast<std::byte>(random_());
  if (video) {
    ByteVector prefix;
    ByteWriter writer(prefix);
    writer.u32(size - 4);
    writer.u8(key ? 0x65 : 0x41);
    std::copy(prefix.begin(), prefix.end(), bytes->begin());
    bytes->back() = std::byte{0x80};
  }
  fmp4::AccessUnit out;
  out.kind = kind;
  out.dts = dts;
  out.pts = pts;
  out.duration = duration;
  out.key = key;
  out.data = *bytes;
  out.holder = Holder(bytes, [](void* p) { delete static_cast<ByteVector*>(p); });
  return out;
}

void SyntheticMedia::push_frame() {
  int64_t at = frame_ * kFrameTicks;  // from start_
  int64_t utc_us = utc_us_ + at * 100 / 9;
  if (settings_.video) {
    bool key = since_key_ % kFramesPerGop == 0;
    auto video = unit(codec::Kind::video, start_ + at, start_ + at + kFrameTicks, kFrameTicks, key);
    video.utc_us = utc_us;
    if (!packager_.push(std::move(video))) std::abort();
    ++since_key_;
  }
  ++frame_;
  // Exact: start_ is a multiple of 3600, which is 1920 samples.
  int64_t audio_start = start_ / 15 * 8;
  while (settings_.audio && audio_units_ * kAudioSamples * 15 <= frame_ * kFrameTicks * 8) {
    int64_t dts = audio_start + audio_units_ * kAudioSamples;
    auto audio = unit(codec::Kind::audio, dts, dts, kAudioSamples, true);
    audio.utc_us = utc_us;
    if (!packager_.push(std::move(audio))) std::abort();
    ++audio_units_;
  }
}

fmp4::Part SyntheticMedia::next() {
  for (;;) {
    if (auto part = packager_.next_part()) return std::move(*part);
    push_frame();
  }
}

void SyntheticMedia::skip_ms(int64_t ms) {
  packager_.flush();
  while (packager_.next_part()) continue;
  frame_ += ms * 90 / kFrameTicks;
  audio_units_ = frame_ * kFrameTicks * 8 / 15 / kAudioSamples + 1;
  since_key_ = 0;
}

}  // namespace headgate::test

// SPDX-License-Identifier: LGPL-2.1-or-later
// What is written of a rung whose encoder fails.
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <semaphore>

#include <base/holder.h>

#include "ladder/renditions.h"
#include "plugin_test.h"

namespace headgate::abrhlssink {
namespace {

constexpr char kRung[] = "144p";
constexpr int64_t kFrameNs = 40'000'000, kPartTicks = 43'200;
constexpr uint64_t kSegment = 7;

codec::Track track() {
  codec::Track track;
  track.width = 256;
  track.height = 144;
  track.timescale = 90'000;
  for (const int byte : {1, 66, 192, 30, 255, 225, 0, 4, 103, 66, 192, 30, 1, 0, 2, 104, 206})
    track.config.push_back(static_cast<std::byte>(byte));
  return track;
}

store::DerivedUnit picture(int64_t number) {
  store::DerivedUnit unit;
  auto* bytes = new ByteVector{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}, std::byte{0x41}};
  unit.dts_ns = unit.pts_ns = number * kFrameNs;
  unit.key = number == 0;
  unit.duration = 3600;
  unit.data = *bytes;
  unit.holder = Holder(bytes, [](void* p) { delete static_cast<ByteVector*>(p); });
  return unit;
}

TEST(Renditions, OfAFailedEncoderNoPartIsStretchedOverPicturesThatAreMissing) {
  const test::ScratchDirectory scratch;
  std::mutex mutex;
  std::vector<playlist::PartRecord> parts;
  std::counting_semaphore<> opened{0};
  RenditionSettings settings;
  settings.root = scratch.path();
  settings.event = settings.station = 1;
  Renditions renditions(
      settings,
      [&](std::vector<Renditions::Out>&& outs) {
        std::lock_guard lock(mutex);
        for (const auto& out : outs) {
          EXPECT_EQ(out.error, "");
          for (const auto& record : out.records)
            if (const auto* part = std::get_if<playlist::PartRecord>(&record)) parts.push_back(*part);
        }
      },
      [&] { opened.release(); });
  playlist::RunRecord run;
  run.run = "r";
  run.first_msn = kSegment;
  run.max_segment_ms = 2000;
  renditions.source_records({run});
  renditions.source_time({0, 0});
  for (uint32_t i = 0; i < 4; ++i) {
    playlist::PartRecord part;
    part.msn = kSegment;
    part.index = i;
    part.pts = i * kPartTicks;
    part.duration = kPartTicks;
    renditions.source_records({part});
  }
  // Two parts and a half.
  renditions.track(kRung, track());
  for (int64_t i = 0; i < 30; ++i) renditions.unit(kRung, picture(i));
  ASSERT_TRUE(opened.try_acquire_for(std::chrono::seconds(30)));
  renditions.advance();
  renditions.end(kRung, "error");
  std::lock_guard lock(mutex);
  ASSERT_EQ(parts.size(), 2u);
  for (const auto& part : parts) EXPECT_EQ(part.duration, kPartTicks);
}

}  // namespace
}  // namespace headgate::abrhlssink

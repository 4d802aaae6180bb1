// SPDX-License-Identifier: LGPL-2.1-or-later
// A source, and a rung beside it whose encoder does as it is told.
#pragma once

#include <store/derived.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <vector>

#include "archive_fixture.h"

namespace headgate::store {

inline constexpr int64_t kFrameNs = 40'000'000, kFrameTicks = 3600;
inline constexpr char kRung[] = "720p";

// A source of 25 frames a second with a key frame each second, and an encoder of the same pictures.
class DerivedTest : public ArchiveTest {
 protected:
  void open_source(uint32_t max_part_ms = 0) {
    source_disk_ = source_disk_ ? source_disk_ : volume();
    RunInfo promised = info();
    promised.max_part_ms = max_part_ms;
    session_ = open(source_disk_, promised);
    // The source's pictures are shown a frame after they are decoded (synthetic_media.cpp); its running time
    // begins with the first one decoded.
    shift_ns_ = -running_ns_;
    tell_source();
    derived_->set_time({session_->writer->timeline_offset(), shift_ns_});
  }
  void tell_source() {
    for (; told_ < session_->told.size(); ++told_) derived_->add(session_->told[told_]);
  }
  // The source's next parts, and an encoder that is `late` frames behind them.
  void play(int parts, int64_t late = 8) {
    for (int i = 0; i < parts; ++i) {
      write(*session_, 1);
      const auto& part = std::get<playlist::PartRecord>(last_part());
      const int64_t end = (part.pts + part.duration - session_->writer->timeline_offset()) / kFrameTicks;
      tell_source();
      if (rung_) advance();
      encode_until(end - late);
    }
  }
  const Record& last_part() const {
    return *std::find_if(session_->told.rbegin(), session_->told.rend(), [](const Record& record) {
      return std::holds_alternative<playlist::PartRecord>(record);
    });
  }
  // Pictures of the source's present run up to this one. Picture n is shown at n + 1 frames.
  void encode_until(int64_t frame) {
    for (; frame_ < frame; ++frame_) {
      if (!rung_ || (drop_ && drop_(frame_))) continue;
      rung_->push(unit(frame_));
      advance();
    }
  }
  DerivedUnit unit(int64_t frame) {
    DerivedUnit out;
    auto* bytes = new ByteVector(200, std::byte{0x41});
    out.pts_ns = (frame + 1) * kFrameNs - shift_ns_ + off_ns_;
    out.dts_ns = out.pts_ns - delay_ns_;
    out.key = frame % 25 == 0 && !(no_key_ && no_key_(frame));
    out.duration = 3600;
    out.data = *bytes;
    out.holder = Holder(bytes, [](void* p) { delete static_cast<ByteVector*>(p); });
    return out;
  }
  // So many seconds of sound, in frames of 1024 samples.
  void push_audio(int seconds, const std::function<bool(int64_t)>& lost = nullptr) {
    for (int64_t i = 0; i < seconds * 48000 / 1024; ++i) {
      if (lost && lost(i)) continue;
      DerivedUnit one;
      auto* bytes = new ByteVector(100, std::byte{1});
      one.dts_ns = one.pts_ns = i * 1024 * 1'000'000'000 / 48000 - shift_ns_;
      one.duration = 1024;
      one.data = *bytes;
      one.holder = Holder(bytes, [](void* p) { delete static_cast<ByteVector*>(p); });
      rung_->push(std::move(one));
    }
  }
  void advance() {
    auto advanced = rung_->advance();
    if (!advanced) error_ = advanced.error();
  }
  void start_rung(const std::string& name = kRung) {
    if (!disk_) {
      auto settings = derived_volume(directory_.path(), name, "n01", 0);
      settings.min_free_bytes = 1024 * 1024;
      disk_ = *Volume::open(settings, clock_);
    }
    DerivedSettings settings;
    settings.event = kEvent;
    settings.station = kStation;
    settings.rendition = name;
    rung_ = DerivedWriter::start(
        disk_, derived_, settings, [this](const Record& record) { rung_told_.push_back(record); },
        [opened = opened_] { opened->release(); });
    rung_->configure(*test::SyntheticMedia({.other_config = true}, 0, 0).presentation().video);
  }
  // A run is being opened, and everything waits for it.
  void settle() {
    ASSERT_TRUE(opened_->try_acquire_for(std::chrono::seconds(30)));
    advance();
  }
  std::vector<playlist::SegmentRecord> of_source() const {
    return only<playlist::SegmentRecord>(session_->told);
  }
  std::vector<playlist::SegmentRecord> of_rung() const { return only<playlist::SegmentRecord>(rung_told_); }
  std::string disk_root() const { return directory_.path() + "/derived/" + kRung; }
  std::vector<uint64_t> numbers() const {
    std::vector<uint64_t> out;
    for (const auto& segment : of_rung()) out.push_back(segment.msn);
    return out;
  }
  void expect_aligned() const {
    const auto source = of_source();
    for (const auto& segment : of_rung()) {
      const auto same =
          std::find_if(source.begin(), source.end(), [&](const auto& one) { return one.msn == segment.msn; });
      ASSERT_NE(same, source.end()) << segment.msn;
      EXPECT_EQ(segment.pts, same->pts) << segment.msn;
      EXPECT_EQ(segment.duration, same->duration) << segment.msn;
      EXPECT_EQ(segment.utc_us, same->utc_us) << segment.msn;
    }
  }

  std::shared_ptr<Volume> source_disk_, disk_;
  std::unique_ptr<Session> session_;
  std::shared_ptr<DerivedSource> derived_ = std::make_shared<DerivedSource>();
  Records rung_told_;
  std::unique_ptr<DerivedWriter> rung_;
  size_t told_ = 0;
  int64_t frame_ = 0, shift_ns_ = 0, running_ns_ = 0, off_ns_ = 0, delay_ns_ = 0;
  std::function<bool(int64_t)> drop_, no_key_;
  std::optional<Error> error_;
  std::shared_ptr<std::counting_semaphore<>> opened_ = std::make_shared<std::counting_semaphore<>>(0);
};

}  // namespace headgate::store

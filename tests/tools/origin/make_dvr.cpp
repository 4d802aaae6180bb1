// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes the archive of a station that has streamed until now, with its small pictures, from media of an
// encoder: one run that its publisher's network ended.
//   make-dvr ROOT EVENT STATION VIDEO PICTURES
// VIDEO: a file with one H.264 track. PICTURES: JPEGs, one behind the other, for each segment one.
#include <base/clock.h>
#include <base/io.h>
#include <store/derived.h>
#include <store/run_writer.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <semaphore>
#include <string>
#include <string_view>

#include "media_file.h"

using namespace headgate;

namespace {

constexpr size_t kMaxPictures = 256u << 20;

[[noreturn]] void give_up(const std::string& reason) {
  std::fprintf(stderr, "make-dvr: %s\n", reason.c_str());
  std::exit(1);
}

template <typename T>
T must(Result<T> result) {
  if (!result) give_up(result.error().message);
  return std::move(result).value();
}

void must(Result<void> result) {
  if (!result) give_up(result.error().message);
}

// Each begins with SOI and a marker, which is nowhere in coded data (ITU-T T.81, B.1.1.2).
std::vector<Bytes> pictures_in(Bytes file) {
  constexpr std::array kStart = {std::byte{0xff}, std::byte{0xd8}, std::byte{0xff}};
  std::vector<Bytes> out;
  auto at = std::search(file.begin(), file.end(), kStart.begin(), kStart.end());
  while (at != file.end()) {
    const auto next = std::search(at + 1, file.end(), kStart.begin(), kStart.end());
    out.push_back(file.subspan(static_cast<size_t>(at - file.begin()), static_cast<size_t>(next - at)));
    at = next;
  }
  return out;
}

class Dvr {
 public:
  Dvr(const std::string& root, const store::RunInfo& info, const test::MediaFile& media,
      std::vector<Bytes> pictures)
      : media_(media), pictures_(std::move(pictures)), clock_(system_clock().utc_us() - length_us()) {
    store::VolumeSettings settings;
    settings.root = root;
    volume_ = must(store::Volume::open(settings, clock_));
    run_ = must(store::RunWriter::open(volume_, info, {})->take([this](const playlist::Record& record) {
      source_->add(record);
      if (std::holds_alternative<playlist::SegmentRecord>(record)) ++segments_;
    }));
    source_->set_time({run_->timeline_offset(), 0});
    picture_volume_ = must(store::Volume::open(store::derived_volume(root, "pictures", "n01", 0), clock_));
    store::DerivedSettings derived;
    derived.event = info.event;
    derived.station = info.station;
    derived.rendition = "pictures";
    track_ = store::DerivedWriter::start(picture_volume_, source_, derived, nullptr,
                                         [this] { opened_.release(); });
    track_->configure(must(codec::mjpeg_track(media.video->width, media.video->height)));
  }

  void write(const fmp4::PackagerSettings& settings) {
    const fmp4::Presentation presentation{media_.video, {}};
    must(run_->begin(presentation));
    fmp4::Packager packager(presentation, settings);
    const int64_t begin_us = clock_.utc_us();
    for (const test::Packet& packet : media_.packets) {
      const int64_t since = packet.dts - media_.packets.front().dts;
      fmp4::AccessUnit unit;
      unit.dts = run_->timeline_offset() + since;
      unit.pts = unit.dts + packet.pts - packet.dts;
      unit.duration = packet.duration;
      unit.key = packet.key;
      unit.data = packet.data;
      unit.utc_us = begin_us + since * 100 / 9;
      must(packager.push(std::move(unit)));
      take(packager);
    }
    packager.flush();
    take(packager);
    run_->end("disconnect");
    must(track_->drain());
    track_->end("disconnect");
    if (segments_ != pictures_.size()) give_up(std::to_string(segments_) + " segments were made");
  }

 private:
  int64_t length_us() const {
    const test::Packet& last = media_.packets.back();
    return (last.dts + last.duration - media_.packets.front().dts) * 100 / 9;
  }
  void take(fmp4::Packager& packager) {
    while (auto part = packager.next_part()) {
      if (part->starts_segment) show(part->pts, part->utc_us);
      must(run_->write(*part));
      must(track_->advance());
      if (!was_opened_ && track_->is_opening()) {
        opened_.acquire();
        was_opened_ = true;
      }
    }
  }
  // The next picture belongs to the segment that begins.
  void show(int64_t pts, int64_t utc_us) {
    clock_.advance_us(utc_us - clock_.utc_us());
    if (shown_ >= pictures_.size()) give_up("too few pictures");
    store::DerivedUnit unit;
    unit.dts_ns = unit.pts_ns = (pts - run_->timeline_offset()) * 100'000 / 9;
    unit.key = true;
    unit.data = pictures_[shown_++];
    track_->push(std::move(unit));
  }

  const test::MediaFile& media_;
  const std::vector<Bytes> pictures_;
  ManualClock clock_;
  std::shared_ptr<store::Volume> volume_, picture_volume_;
  std::shared_ptr<store::DerivedSource> source_ = std::make_shared<store::DerivedSource>();
  std::unique_ptr<store::RunWriter> run_;
  std::unique_ptr<store::DerivedWriter> track_;
  std::binary_semaphore opened_{0};
  bool was_opened_ = false;
  size_t segments_ = 0, shown_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) give_up("ROOT EVENT STATION VIDEO PICTURES");
  const test::MediaFile media = test::encode("-i '" + std::string(argv[4]) + "' -map 0:v -c copy");
  if (!media.video || media.packets.empty()) give_up("no pictures in " + std::string(argv[4]));
  const ByteVector pictures = must(read_file(argv[5], kMaxPictures));
  const fmp4::PackagerSettings settings;
  store::RunInfo info;
  info.event = static_cast<uint32_t>(std::atoi(argv[2]));
  info.station = static_cast<uint32_t>(std::atoi(argv[3]));
  info.max_segment_ms = static_cast<uint32_t>(fmp4::longest_segment_ms(settings));
  info.max_part_ms = static_cast<uint32_t>(fmp4::longest_part_ms(settings));
  Dvr(argv[1], info, media, pictures_in(pictures)).write(settings);
  return 0;
}

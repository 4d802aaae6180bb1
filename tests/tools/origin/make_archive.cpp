// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes one run of made-up media, as the store writes it.
//   make-archive ROOT EVENT STATION SECONDS REASON [small | rung]
// REASON "-": the run is left as its writer leaves it when it is killed. small: tiny frames without sound,
// for runs of hours. rung: with a derived rendition 360p beside it.
#include <base/clock.h>
#include <store/derived.h>
#include <store/run_writer.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <semaphore>
#include <string>

#include "synthetic_media.h"

using namespace headgate;

namespace {

[[noreturn]] void give_up(const std::string& reason) {
  std::fprintf(stderr, "make-archive: %s\n", reason.c_str());
  std::exit(1);
}

// The pictures of `source`, 25 in a second, of which the first is shown a frame behind the start.
void write_rung(const std::string& root, const store::RunInfo& info,
                std::shared_ptr<store::DerivedSource> source, int seconds) {
  auto volume = store::Volume::open(store::derived_volume(root, "360p", "n01", 0));
  if (!volume) give_up(volume.error().message);
  std::binary_semaphore opened(0);
  store::DerivedSettings settings;
  settings.event = info.event;
  settings.station = info.station;
  settings.rendition = "360p";
  settings.file_ms = 4000;
  auto rung = store::DerivedWriter::start(*volume, std::move(source), settings, nullptr,
                                          [&opened] { opened.release(); });
  rung->configure(*test::SyntheticMedia({.other_config = true}, 0, 0).presentation().video);
  static ByteVector picture(100, std::byte{0x41});
  for (int64_t frame = 0; frame < int64_t{25} * (seconds + 1); ++frame) {
    store::DerivedUnit unit;
    unit.dts_ns = unit.pts_ns = (frame + 1) * 40'000'000;
    unit.key = frame % 25 == 0;
    unit.duration = 3600;
    unit.data = picture;
    rung->push(std::move(unit));
  }
  auto written = rung->advance();
  opened.acquire();
  if (written) written = rung->drain();
  if (!written) give_up(written.error().message);
  rung->end("unpublish");
}

}  // namespace

int main(int argc, char** argv) {
  bool small = argc == 7 && std::string(argv[6]) == "small";
  bool rung = argc == 7 && std::string(argv[6]) == "rung";
  if (argc != 6 && !small && !rung) give_up("ROOT EVENT STATION SECONDS REASON [small | rung]");
  store::VolumeSettings volume_settings;
  volume_settings.root = argv[1];
  auto volume = store::Volume::open(volume_settings);
  if (!volume) give_up(volume.error().message);
  store::RunInfo info;
  info.event = static_cast<uint32_t>(std::atoi(argv[2]));
  info.station = static_cast<uint32_t>(std::atoi(argv[3]));
  auto source = std::make_shared<store::DerivedSource>();
  auto writer = store::RunWriter::open(*volume, info, {})->take([source](const playlist::Record& record) {
    source->add(record);
  });
  if (!writer) give_up(writer.error().message);
  source->set_time({(*writer)->timeline_offset(), 0});
  int64_t start = ((*writer)->timeline_offset() + 3599) / 3600 * 3600;
  test::SyntheticSettings settings;
  if (small) {
    settings.audio = false;
    settings.video_bytes = 8;
  }
  test::SyntheticMedia media(settings, start, system_clock().utc_us());
  if (auto begun = (*writer)->begin(media.presentation()); !begun) give_up(begun.error().message);
  int64_t end = start + std::atoi(argv[4]) * int64_t{fmp4::kPartTimescale};
  for (int64_t at = start; at < end;) {
    fmp4::Part part = media.next();
    at = part.pts + part.duration;
    if (auto written = (*writer)->write(part); !written) give_up(written.error().message);
  }
  if (std::string(argv[5]) == "-") {
    (*volume)->commit();
    ::_exit(0);
  }
  (*writer)->end(argv[5]);
  if (rung) write_rung(argv[1], info, source, std::atoi(argv[4]));
  std::printf("%s\n", (*writer)->name().c_str());
  return 0;
}

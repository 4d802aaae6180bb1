// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes one run of made-up media, as the store writes it.
//   make-archive ROOT EVENT STATION SECONDS REASON [small]
// REASON "-": the run is left as its writer leaves it when it is killed. small: tiny frames without sound,
// for runs of hours.
#include <base/clock.h>
#include <store/run_writer.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "synthetic_media.h"

using namespace headgate;

namespace {

[[noreturn]] void give_up(const std::string& reason) {
  std::fprintf(stderr, "make-archive: %s\n", reason.c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  bool small = argc == 7 && std::string(argv[6]) == "small";
  if (argc != 6 && !small) give_up("ROOT EVENT STATION SECONDS REASON [small]");
  store::VolumeSettings volume_settings;
  volume_settings.root = argv[1];
  auto volume = store::Volume::open(volume_settings);
  if (!volume) give_up(volume.error().message);
  store::RunInfo info;
  info.event = static_cast<uint32_t>(std::atoi(argv[2]));
  info.station = static_cast<uint32_t>(std::atoi(argv[3]));
  auto writer = store::RunWriter::open(*volume, info, {})->take([](const playlist::Record&) {});
  if (!writer) give_up(writer.error().message);
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
  std::printf("%s\n", (*writer)->name().c_str());
  return 0;
}

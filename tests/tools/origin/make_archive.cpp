// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes one run of made-up media, as the store writes it.
//   make-archive ROOT EVENT STATION SECONDS REASON
#include <base/clock.h>
#include <store/run_writer.h>

#include <cstdio>
#include <cstdlib>

#include "synthetic_media.h"

using namespace headgate;

namespace {

[[noreturn]] void give_up(const std::string& reason) {
  std::fprintf(stderr, "make-archive: %s\n", reason.c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) give_up("ROOT EVENT STATION SECONDS REASON");
  store::VolumeSettings volume_settings;
  volume_settings.root = argv[1];
  auto volume = store::Volume::open(volume_settings);
  if (!volume) give_up(volume.error().message);
  store::RunInfo info;
  info.event = static_cast<uint32_t>(std::atoi(argv[2]));
  info.station = static_cast<uint32_t>(std::atoi(argv[3]));
  auto writer = store::RunWriter::open(*volume, info, {}, [](const playlist::Record&) {});
  if (!writer) give_up(writer.error().message);
  int64_t start = ((*writer)->timeline_offset() + 3599) / 3600 * 3600;
  test::SyntheticMedia media({}, start, system_clock().utc_us());
  if (auto begun = (*writer)->begin(media.presentation()); !begun) give_up(begun.error().message);
  int64_t end = start + std::atoi(argv[4]) * int64_t{fmp4::kPartTimescale};
  for (int64_t at = start; at < end;) {
    fmp4::Part part = media.next();
    at = part.pts + part.duration;
    if (auto written = (*writer)->write(part); !written) give_up(written.error().message);
  }
  (*writer)->end(argv[5]);
  std::printf("%s\n", (*writer)->name().c_str());
  return 0;
}

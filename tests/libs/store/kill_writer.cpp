// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes an archive as fast as it can until it is killed, and says on standard output what it has told:
// "<station> <hex of the record>" each, and "durable <station> <pts>" after commits.
//   store-kill-writer ROOT SEED
// Gaps, other configurations and reconnects come at random; with the seed 0 there are none.
#include <base/encoding.h>
#include <store/run_writer.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "synthetic_media.h"

using namespace headgate;

namespace {

struct Station {
  uint32_t number = 0;
  std::unique_ptr<store::RunWriter> writer;
  std::unique_ptr<test::SyntheticMedia> media;
  test::SyntheticSettings settings;
  int64_t end = 0;
  int64_t durable = store::RunWriter::kNothingDurable;
};

void say(const std::string& line) {
  // Whole lines, at once: the reader takes what came before the kill.
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout) != 0)
    std::exit(1);
}

void start(const std::shared_ptr<store::Volume>& volume, Station& station) {
  store::RunInfo info;
  info.event = 7;
  info.station = station.number;
  store::RunSettings settings;
  settings.file_ms = 3000;
  auto writer =
      store::RunWriter::open(volume, info, settings)->take([&station](const playlist::Record& record) {
        ByteVector bytes;
        playlist::encode(record, bytes);
        say(std::to_string(station.number) + " " + to_hex(bytes) + "\n");
      });
  if (!writer) {
    std::fprintf(stderr, "%s\n", writer.error().message.c_str());
    std::exit(1);
  }
  station.writer = std::move(*writer);
  station.end = station.writer->timeline_offset();
  station.media =
      std::make_unique<test::SyntheticMedia>(station.settings, station.end, system_clock().utc_us());
  if (!station.writer->begin(station.media->presentation())) std::exit(1);
}

void step(const std::shared_ptr<store::Volume>& volume, Station& station, std::mt19937* random) {
  fmp4::Part part = station.media->next();
  if (!station.writer->write(part)) std::exit(1);
  station.end = part.pts + part.duration;
  switch (random != nullptr ? (*random)() % 40 : 40) {
    case 0:
      station.media->skip_ms(3000);
      station.writer->gap("loss", station.end, station.end + 270'000);
      break;
    case 1:
      station.settings.other_config = !station.settings.other_config;
      station.media = std::make_unique<test::SyntheticMedia>(
          station.settings, (station.end + 3600) / 3600 * 3600, system_clock().utc_us());
      if (!station.writer->begin(station.media->presentation())) std::exit(1);
      break;
    case 2:
      station.writer->end("disconnect");
      start(volume, station);
      station.durable = store::RunWriter::kNothingDurable;
      break;
    default:
      break;
  }
  int64_t durable = station.writer->durable_pts();
  if (durable == station.durable) return;
  station.durable = durable;
  say("durable " + std::to_string(station.number) + " " + station.writer->name() + " " +
      std::to_string(durable) + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  auto seed = static_cast<uint32_t>(std::strtoul(argv[2], nullptr, 10));
  std::mt19937 random(seed);
  store::VolumeSettings settings;
  settings.root = argv[1];
  settings.commit_ms = 2;
  settings.reserve_bytes = 64 * 1024;
  settings.min_free_bytes = 1024 * 1024;
  auto volume = store::Volume::open(settings);
  if (!volume) return 1;
  Station stations[2];
  for (uint32_t i = 0; i < 2; ++i) {
    stations[i].number = i + 1;
    stations[i].settings.seed = static_cast<uint32_t>(random());
    stations[i].settings.video_bytes = 100;
    stations[i].settings.audio_bytes = 40;
    start(*volume, stations[i]);
  }
  for (;;) step(*volume, stations[random() % 2], seed != 0 ? &random : nullptr);
}

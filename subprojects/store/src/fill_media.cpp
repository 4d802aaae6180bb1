// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fill_media.h"

#include <base/encoding.h>
#include <base/io.h>
#include <base/sha256.h>
#include <codec/silence.h>
#include <fcntl.h>
#include <fmp4/reader.h>
#include <playlist/stream_index.h>
#include <store/fill.h>
#include <store/reader.h>
#include <store/run_tail.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

namespace headgate::store {
namespace {

constexpr size_t kMostRunsBack = 8;  // runs without media in between
// The newest key frame is looked for in so much of a run.
constexpr int64_t kMostTicksBack = int64_t{60} * playlist::kTimescale;
constexpr size_t kSlateDigits = 16;

// Renamed when it is closed: a name that vanishes between the two looks was renamed.
Result<UniqueFd> open_either(const std::string& path) {
  auto file = open_file(path + ".part", O_RDONLY);
  return !file && file.error().code == ENOENT ? open_file(path, O_RDONLY) : std::move(file);
}

// The last key frame of `source` between two bytes that bound whole parts.
std::optional<fmp4::SampleInfo> last_key_frame(const fmp4::Source& source, uint64_t from, uint64_t to) {
  std::optional<fmp4::SampleInfo> found;
  fmp4::ChunkWalker walker(source, from);
  while (walker.position() < to) {
    const auto chunk = walker.next();
    if (!chunk) break;
    if (chunk->track_id != fmp4::kVideoTrackId) continue;
    const auto samples = fmp4::read_samples(source, *chunk);
    if (!samples) continue;
    for (const fmp4::SampleInfo& sample : *samples)
      if (sample.is_sync && sample.size > 0 && sample.size <= fmp4::kMaxUnitBytes) found = sample;
  }
  return found;
}

struct Tail {
  int64_t dated_until_us = 0;
  std::optional<playlist::RunRecord> run;
  std::optional<playlist::InitRecord> init;  // of the last parts
  std::vector<playlist::PartRecord> parts;   // behind `init`
};

Tail newest_of(const std::vector<playlist::Record>& records) {
  Tail tail;
  playlist::StreamIndex index;
  for (const playlist::Record& record : records) {
    index.add(record);
    if (auto* run = std::get_if<playlist::RunRecord>(&record)) tail.run = *run;
    if (auto* part = std::get_if<playlist::PartRecord>(&record)) tail.parts.push_back(*part);
    if (auto* init = std::get_if<playlist::InitRecord>(&record)) {
      if (tail.init && tail.init->id != init->id) tail.parts.clear();
      tail.init = *init;
    }
  }
  auto last = index.open_segment();
  if (!last && !index.segments().empty()) last = index.segments().back();
  if (last) tail.dated_until_us = last->program_utc_us + last->record.duration * 100 / 9;
  return tail;
}

Result<ByteVector> last_picture(const std::string& root, const Tail& tail) {
  std::string open_name;
  Result<UniqueFd> file = Unexpected("no file");
  for (auto part = tail.parts.rbegin(); part != tail.parts.rend(); ++part) {
    if (part->file != open_name) file = open_either(root + "/" + part->file);
    open_name = part->file;
    if (!file) return Unexpected(file.error());
    const auto source = fmp4::source_of_file(file->get());
    if (!source) return Unexpected(source.error());
    if (const auto key = last_key_frame(*source, part->offset, part->offset + part->length))
      return pread_exact(file->get(), key->offset, key->size);
  }
  return Unexpected(ENODATA, "no key frame in the last minute of " + open_name);
}

Result<void> add_silence(FillMedia& media) {
  if (!media.presentation.audio) return {};
  auto silence = codec::silent_frame(*media.presentation.audio);
  if (!silence)
    return Unexpected(ENOTSUP, "sound of " + codec::codecs_string(*media.presentation.audio) +
                                   " cannot be made silent without an encoder");
  media.silence = std::move(silence->data);
  media.silence_ticks = silence->samples;
  return {};
}

Result<FillMedia> media_of(const std::string& root, const Tail& tail) {
  auto file = open_either(root + "/" + tail.init->file);
  if (!file) return Unexpected(file.error());
  const auto source = fmp4::source_of_file(file->get());
  if (!source) return Unexpected(source.error());
  auto init = fmp4::read_init(*source);
  if (!init) return Unexpected(init.error());
  FillMedia media;
  media.presentation = std::move(init->presentation);
  media.run = *tail.run;
  media.last_msn = tail.parts.back().msn;
  media.dated_until_us = tail.dated_until_us;
  if (auto silent = add_silence(media); !silent) return Unexpected(silent.error());
  if (!media.presentation.video) return media;
  auto picture = last_picture(root, tail);
  if (!picture) return Unexpected(picture.error());
  media.picture = *std::move(picture);
  return media;
}

}  // namespace

Result<FillMedia> find_fill_media(const std::string& root, uint32_t event, uint32_t station,
                                  const std::string& newest) {
  auto runs = list_runs(root, event, station);
  std::erase_if(runs, [&](const std::string& run) { return playlist::is_later_run(run, newest); });
  int64_t dated_from_us = 0;  // what runs without media say
  for (size_t back = 0; back < kMostRunsBack && !runs.empty(); ++back, runs.pop_back()) {
    const auto read = read_run_tail(root, event, station, runs.back(), kMostTicksBack);
    if (!read) continue;
    Tail tail = newest_of(read->records);
    if (tail.run) dated_from_us = std::max(dated_from_us, tail.run->dated_from_us);
    tail.dated_until_us = std::max(tail.dated_until_us, dated_from_us);
    if (tail.run && tail.init && !tail.parts.empty()) return media_of(root, tail);
  }
  return Unexpected(ENODATA, "station " + std::to_string(station) + " has no media to go on from");
}

Result<ByteVector> find_slate(const std::string& slates, const codec::Track& video) {
  const std::string path = slates + "/" + to_hex(sha256(video.config)).substr(0, kSlateDigits) + ".mp4";
  const auto bytes = read_file(path, kMaxSlateBytes);
  if (!bytes) return Unexpected(bytes.error());
  const fmp4::Source source = fmp4::source_of(*bytes);
  const auto init = fmp4::read_init(source);
  if (!init) return Unexpected(EINVAL, path + ": " + init.error().message);
  const auto& track = init->presentation.video;
  if (!track || track->codec != video.codec || track->config != video.config)
    return Unexpected(EINVAL, path + ": has another decoder configuration than the stream");
  const auto key = last_key_frame(source, init->length, source.size);
  if (!key) return Unexpected(EINVAL, path + ": has no key frame");
  const Bytes sample = Bytes(*bytes).subspan(key->offset, key->size);
  return ByteVector(sample.begin(), sample.end());
}

}  // namespace headgate::store

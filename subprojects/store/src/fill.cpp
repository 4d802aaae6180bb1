// SPDX-License-Identifier: LGPL-2.1-or-later
#include <store/fill.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include <playlist/rendition.h>
#include <store/derived.h>
#include <store/reader.h>

#include "chain_lock.h"
#include "fill_end.h"
#include "fill_media.h"
#include "layout.h"
#include "run_scan.h"

namespace headgate::store {
namespace {

constexpr int64_t kTicksPerMs = fmp4::kPartTimescale / 1000;
constexpr int64_t kStepTicks = 3600;   // as runs begin: docs/archive.md, numbers over runs
constexpr int64_t kUsualPartMs = 500;  // of a stream that promises nothing
constexpr int64_t kLeastPartMs = 100;
constexpr int64_t kPictureTicks = int64_t{1} * fmp4::kPartTimescale;  // one lasts no longer
constexpr uint64_t kMostSegmentsBehind = 3;                           // of a rendition that was being encoded
constexpr int64_t kMostDateMs = 10'000;  // that fill is dated later than the clock says
constexpr int64_t kOpenMs = 5000;        // a volume that takes longer gets no fill

// What is written of one rendition.
struct Lane {
  std::string fill;  // its name
  FillMedia media;
  std::unique_ptr<RunWriter> writer;
  uint32_t sequence = 1;   // mfhd
  int64_t next_sound = 0;  // in the audio's timescale
};

int64_t ticks_of(int64_t part_ticks, uint32_t timescale) {
  const int64_t seconds = part_ticks / fmp4::kPartTimescale, rest = part_ticks % fmp4::kPartTimescale;
  return seconds * timescale + rest * timescale / fmp4::kPartTimescale;
}

// Both tracks' chunks behind each other; what they point into stays where it is.
fmp4::Part joined(fmp4::Part first, const fmp4::Part& second) {
  for (fmp4::Chunk chunk : second.chunks) {
    chunk.offset += first.length;
    first.chunks.push_back(chunk);
  }
  first.spans.insert(first.spans.end(), second.spans.begin(), second.spans.end());
  first.frames.insert(first.frames.end(), second.frames.begin(), second.frames.end());
  first.length += second.length;
  return first;
}

}  // namespace

struct FillWriter::State {
  State(const FillSettings& given, OnRecord record, const Clock& its_clock)
      : settings(given),
        station(given.root + "/" + station_directory(given.event, given.station)),
        on_record(std::move(record)),
        clock(its_clock) {}

  Result<void> begin();
  Result<Continuation> place();
  void promise(const playlist::RunRecord& run);
  Result<void> find_lanes();
  int64_t pictures_of_a_part() const { return (part + kPictureTicks - 1) / kPictureTicks; }
  bool is_small(const ByteVector& picture) const;
  void use_slate(FillMedia& media) const;
  Result<void> open(Lane& lane, const RunPosition& position);
  Result<void> write_segment();
  Result<void> write_part(Lane& lane, int64_t begin, bool starts, bool ends);
  Result<void> write(Lane& lane, const fmp4::Part& made);
  Result<fmp4::Part> pictures(Lane& lane, int64_t begin, bool starts, bool ends);
  Result<fmp4::Part> sounds(Lane& lane, int64_t begin, bool starts, bool ends);
  bool is_followed() const;
  int64_t utc_at(int64_t pts) const { return first_utc_us + (pts - first_pts) * 100 / 9; }

  const FillSettings settings;
  const std::string station;  // its directory in the archive
  OnRecord on_record;
  const Clock& clock;
  int64_t part = 0;         // ticks of one
  int64_t parts = 1;        // of a segment
  std::vector<Lane> lanes;  // the source's first
  uint64_t written = 0;     // bytes, of all of them
  int64_t first_pts = 0, next_pts = 0;
  int64_t first_utc_us = 0;   // of first_pts
  int64_t first_mono_us = 0;  // likewise, as fill is to be written
};

// Whether the run is the station's last one; who asks holds the station's lock.
bool FillWriter::State::is_followed() const {
  const auto runs = list_runs(settings.root, settings.event, settings.station);
  return !runs.empty() && runs.back() == settings.run;
}

// Where the stream stands.
Result<Continuation> FillWriter::State::place() {
  auto lock = lock_station(station, false);
  if (!lock) return Unexpected(lock.error());
  if (!is_followed()) return Unexpected(ECANCELED, settings.run + " is not the station's last run");
  bool ended = false;
  auto last = scan_continuation(station + "/" + settings.run, ended);
  if (!last) return last;
  last->run = settings.run;
  if (const auto fill = find_fill_end(settings.root, settings.event, settings.station, *last)) {
    last->next_msn = fill->next_msn;
    last->next_dseq = fill->next_dseq;
    last->end_pts = fill->end_pts;
    last->end_utc_us = fill->end_utc_us;
  }
  return last;
}

// Parts as long as the stream's own are, so that players are owed no more than before.
void FillWriter::State::promise(const playlist::RunRecord& run) {
  int64_t part_ms = run.max_part_ms > 0 ? int64_t{run.max_part_ms} * 10 / 11 : kUsualPartMs;
  if (run.max_segment_ms > 0) part_ms = std::min(part_ms, int64_t{run.max_segment_ms});
  part_ms = std::max(part_ms, kLeastPartMs);
  part = part_ms * kTicksPerMs;
  parts = std::max<int64_t>(1, kFillSegmentMs / part_ms);
}

bool FillWriter::State::is_small(const ByteVector& picture) const {
  const auto count = static_cast<uint64_t>(pictures_of_a_part());
  return picture.size() * count * fmp4::kPartTimescale <=
         kMaxFillBytesPerSecond * static_cast<uint64_t>(part);
}

void FillWriter::State::use_slate(FillMedia& media) const {
  if (settings.slates.empty() || !media.presentation.video) return;
  auto slate = find_slate(settings.slates, *media.presentation.video);
  if (slate && is_small(*slate)) media.picture = *std::move(slate);
}

// The source, and what was being encoded from it until its end.
Result<void> FillWriter::State::find_lanes() {
  auto source = find_fill_media(settings.root, settings.event, settings.station, settings.run);
  if (!source) return Unexpected(source.error());
  const uint64_t last_msn = source->last_msn;
  promise(source->run);
  use_slate(*source);
  if (!is_small(source->picture))
    return Unexpected(EFBIG,
                      "a picture of " + std::to_string(source->picture.size()) + " bytes is too large");
  lanes.push_back({std::string(playlist::kFill), *std::move(source), nullptr});
  for (const std::string& rendition : list_renditions(settings.root)) {
    const std::string fill = playlist::fill_of(rendition);
    if (playlist::is_fill(rendition) || !playlist::valid_rendition(fill)) continue;
    const std::string root = settings.root + "/" + kDerivedFolder + "/" + rendition;
    const auto runs = list_runs(root, settings.event, settings.station);
    if (runs.empty()) continue;
    auto media = find_fill_media(root, settings.event, settings.station, runs.back());
    // Without it players have a gap there, and take another rendition.
    if (!media || media->last_msn + kMostSegmentsBehind < last_msn) continue;
    const auto& video = media->presentation.video;
    if (video && video->codec == codec::Codec::mjpeg) continue;
    use_slate(*media);
    if (!is_small(media->picture)) continue;
    lanes.push_back({fill, *std::move(media), nullptr});
  }
  return {};
}

Result<void> FillWriter::State::open(Lane& lane, const RunPosition& position) {
  auto volume = Volume::open(derived_volume(settings.root, lane.fill, settings.node, kFillKeepMs), clock);
  if (!volume) return Unexpected(volume.error());
  RunInfo info;
  info.event = settings.event;
  info.station = settings.station;
  info.protocol = "fill";
  info.claim = "unverified";
  info.max_segment_ms = lanes.front().media.run.max_segment_ms;
  info.max_part_ms = lanes.front().media.run.max_part_ms;
  info.position = position;
  RunSettings run_settings;
  run_settings.frame_index = false;
  run_settings.busy_ms = kOpenMs;
  auto opening = RunWriter::open(*volume, info, run_settings);
  if (!opening->wait_ms(2 * kOpenMs)) return Unexpected(ETIMEDOUT, "fill cannot be opened in time");
  auto writer = opening->take([this, fill = lane.fill](const playlist::Record& record) {
    if (on_record) on_record(fill, record);
  });
  if (!writer) return Unexpected(writer.error());
  lane.writer = *std::move(writer);
  return lane.writer->begin(lane.media.presentation);
}

Result<void> FillWriter::State::begin() {
  const auto last = place();
  if (!last) return Unexpected(last.error());
  if (auto found = find_lanes(); !found) return found;
  const int64_t end = std::max(last->end_pts, last->base);
  first_pts = next_pts = (end + kStepTicks - 1) / kStepTicks * kStepTicks;
  const int64_t now_us = clock.utc_us();
  const int64_t behind_us = std::clamp<int64_t>(now_us - last->end_utc_us, 0, kFillBehindMs * 1000);
  first_mono_us = clock.mono_us() - behind_us;
  // Dates do not go back; a clock may.
  first_utc_us = now_us - behind_us;
  const int64_t dated_until_us = lanes.front().media.dated_until_us;
  if (dated_until_us - first_utc_us < kMostDateMs * 1000)
    first_utc_us = std::max(first_utc_us, dated_until_us);
  const RunPosition position{last->next_msn, last->next_dseq, first_pts, settings.run};
  // The source's last: what is said of a rendition before the first segment says that it will have it, too.
  for (size_t i = lanes.size(); i-- > 0;) {
    Lane& lane = lanes[i];
    if (const auto& audio = lane.media.presentation.audio)
      lane.next_sound = ticks_of(first_pts, audio->timescale);
    auto opened = open(lane, position);
    if (!opened && i == 0) return opened;
    if (!opened) lanes.erase(lanes.begin() + static_cast<ptrdiff_t>(i));
  }
  return {};
}

Result<fmp4::Part> FillWriter::State::pictures(Lane& lane, int64_t begin, bool starts, bool ends) {
  const codec::Track& track = *lane.media.presentation.video;
  const int64_t count = pictures_of_a_part();
  std::vector<fmp4::AccessUnit> units;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t from = begin + part * i / count, to = begin + part * (i + 1) / count;
    fmp4::AccessUnit& unit = units.emplace_back();
    unit.kind = codec::Kind::video;
    unit.dts = unit.pts = ticks_of(from, track.timescale);
    unit.duration = static_cast<uint32_t>(ticks_of(to, track.timescale) - unit.dts);
    unit.key = true;
    unit.data = lane.media.picture;
    unit.utc_us = utc_at(from);
  }
  return fmp4::single_track_part(track, std::move(units), lane.sequence++, starts, ends);
}

Result<fmp4::Part> FillWriter::State::sounds(Lane& lane, int64_t begin, bool starts, bool ends) {
  const codec::Track& track = *lane.media.presentation.audio;
  const int64_t end = ticks_of(begin + part, track.timescale);
  std::vector<fmp4::AccessUnit> units;
  for (; lane.next_sound < end; lane.next_sound += lane.media.silence_ticks) {
    fmp4::AccessUnit& unit = units.emplace_back();
    unit.kind = codec::Kind::audio;
    unit.dts = unit.pts = lane.next_sound;
    unit.duration = lane.media.silence_ticks;
    unit.key = true;
    unit.data = lane.media.silence;
    unit.utc_us = utc_at(begin);
  }
  return fmp4::single_track_part(track, std::move(units), lane.sequence++, starts, ends);
}

Result<void> FillWriter::State::write_part(Lane& lane, int64_t begin, bool starts, bool ends) {
  const fmp4::Presentation& presentation = lane.media.presentation;
  auto video = presentation.video ? pictures(lane, begin, starts, ends) : Result<fmp4::Part>(fmp4::Part());
  if (!video) return Unexpected(video.error());
  if (!presentation.audio) return write(lane, *video);
  auto audio = sounds(lane, begin, starts, ends);
  if (!audio) return Unexpected(audio.error());
  if (!presentation.video) return write(lane, *audio);
  return write(lane, joined(*std::move(video), *audio));
}

Result<void> FillWriter::State::write(Lane& lane, const fmp4::Part& made) {
  written += made.length;
  return lane.writer->write(made);
}

Result<void> FillWriter::State::write_segment() {
  if (written >= settings.most_bytes)
    return Unexpected(EFBIG, std::to_string(written) + " bytes of it are written");
  for (int64_t i = 0; i < parts; ++i, next_pts += part) {
    for (auto lane = lanes.begin(); lane != lanes.end();) {
      auto written = write_part(*lane, next_pts, i == 0, i + 1 == parts);
      if (!written && lane == lanes.begin()) return written;
      lane = written ? std::next(lane) : lanes.erase(lane);
    }
  }
  return {};
}

FillWriter::FillWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}

FillWriter::~FillWriter() {
  state_->on_record = nullptr;
}

Result<std::unique_ptr<FillWriter>> FillWriter::start(const FillSettings& settings, OnRecord on_record,
                                                      const Clock& clock) {
  std::unique_ptr<FillWriter> writer(
      new FillWriter(std::make_unique<State>(settings, std::move(on_record), clock)));
  if (auto begun = writer->state_->begin(); !begun) return Unexpected(begun.error());
  return writer;
}

Result<bool> FillWriter::advance() {
  State& state = *state_;
  const int64_t wanted =
      state.first_pts + (state.clock.mono_us() - state.first_mono_us) * 9 / 100 + kFillAheadMs * kTicksPerMs;
  if (state.next_pts + state.parts * state.part > wanted) return true;
  auto lock = lock_station(state.station, false);
  // Another one opens a run: the next look tells.
  if (!lock) return lock.error().code == EBUSY ? Result<bool>(true) : Unexpected(lock.error());
  if (!state.is_followed()) return false;
  while (state.next_pts + state.parts * state.part <= wanted)
    if (auto written = state.write_segment(); !written) return Unexpected(written.error());
  return true;
}

void FillWriter::end(const std::string& reason) {
  for (Lane& lane : state_->lanes) lane.writer->end(reason);
}

}  // namespace headgate::store

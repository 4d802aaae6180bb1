// SPDX-License-Identifier: LGPL-2.1-or-later
#include <store/derived.h>

#include <algorithm>

#include "derived_source.h"
#include "unit_queue.h"

namespace headgate::store {
namespace {

constexpr int64_t kTicksPerMs = fmp4::kPartTimescale / 1000;
constexpr int64_t kSlack = kBoundarySlackMs * kTicksPerMs;
// How far behind a boundary of segments a rung's key frame is looked for: pictures that the source shows
// before its key frame and sends after it belong to the segment before.
constexpr int64_t kKeySearch = 250 * kTicksPerMs;

}  // namespace

VolumeSettings derived_volume(const std::string& root, const std::string& rendition, const std::string& node,
                              int64_t keep_ms) {
  VolumeSettings settings;
  settings.record_prefix = std::string(kDerivedFolder) + "/" + rendition + "/";
  settings.root = root + "/" + kDerivedFolder + "/" + rendition;
  settings.node = node;
  settings.reserve_bytes = 0;
  settings.durable = false;
  settings.keep_ms = keep_ms;
  return settings;
}

struct DerivedWriter::State {
  State(std::shared_ptr<Volume> into, std::shared_ptr<DerivedSource> from, const DerivedSettings& given,
        OnRecord record, OnOpened opened)
      : volume(std::move(into)),
        source(std::move(from)),
        settings(given),
        on_record(std::move(record)),
        on_opened(std::move(opened)),
        next(source->state_->first) {}

  const DerivedSource::State& from() const { return *source->state_; }
  int64_t time(const SourceRun& run, size_t i) const {
    return run.time->ticks(queue.time_ns(i), fmp4::kPartTimescale);
  }

  Result<void> advance();
  std::optional<size_t> find_cut(const SourceRun& run, const Boundary& boundary) const;
  size_t within_promise(const SourceRun& run, const Boundary& boundary, size_t cut) const;
  bool starts(const SourceRun& run, const Boundary& boundary);
  bool open_writer(const SourceRun& run, const Boundary& boundary, Result<void>& result);
  Result<void> write(const SourceRun& run, const Boundary& boundary, size_t count);
  void follow_end();
  void end_run(const std::string& reason);
  // Of the source's run that is followed.
  std::string reason_of_end() const {
    const auto followed = from().runs.find(run);
    return followed != from().runs.end() ? followed->second.end_reason : "";
  }
  void drop(size_t count) {
    queue.drop(count);
    stats.dropped_units += count;
  }

  const std::shared_ptr<Volume> volume;
  const std::shared_ptr<DerivedSource> source;
  const DerivedSettings settings;
  const OnRecord on_record;
  const OnOpened on_opened;

  UnitQueue queue;
  std::optional<codec::Track> track;                     // of what is pushed now
  uint64_t presentation = 0;                             // its number
  std::deque<std::pair<uint64_t, codec::Track>> tracks;  // numbers and tracks of what is in `queue`
  bool drained = false;                                  // no more units come before the next push()
  uint64_t next;                                         // boundary to be written next
  bool writing = false;               // the segment of the boundary before `next` is being written
  bool whole = false;                 // and all of the one before `next`, which ended it, was
  uint64_t written_presentation = 0;  // of that segment
  uint32_t sequence = 1;              // mfhd, of the run

  uint64_t run = 0;  // of the source, that `opening` or `writer` follows
  std::unique_ptr<RunOpening> opening;
  std::unique_ptr<RunWriter> writer;
  DerivedStats stats;
};

// The units before `boundary.end`; nothing: more have to come first.
std::optional<size_t> DerivedWriter::State::find_cut(const SourceRun& run, const Boundary& boundary) const {
  const bool video = track && track->kind == codec::Kind::video;
  const int64_t search = boundary.ends_segment ? kKeySearch : kSlack;
  std::optional<size_t> plain;
  for (size_t i = 0; i < queue.size(); ++i) {
    const int64_t at = time(run, i);
    if (at < boundary.end - kSlack) continue;
    if (video && queue.key(i) && at < boundary.end + search) return i;
    if (at >= boundary.end && !plain) plain = i;
    if (plain && !video) return within_promise(run, boundary, *plain);
    // Only a segment's end is worth waiting for a key frame.
    if (plain && (!boundary.ends_segment || at >= boundary.end + search)) return plain;
  }
  if (drained) return plain.value_or(queue.size());
  return std::nullopt;
}

// Frames of sound reach over the source's cuts: those by which a part would last longer than the source
// promises go into the next one. A segment ends where the source's does, or a frame before: there the next
// one begins as well.
size_t DerivedWriter::State::within_promise(const SourceRun& run, const Boundary& boundary,
                                            size_t cut) const {
  const int64_t longest = int64_t{run.record.max_part_ms} * kTicksPerMs;
  if (longest == 0) return cut;
  const int64_t earliest = boundary.ends_segment ? boundary.end - kSlack : INT64_MIN;
  size_t first = 0;
  if (boundary.starts_segment)
    while (first < cut && time(run, first) < boundary.begin - kSlack) ++first;
  while (cut > first + 1 && time(run, cut) - time(run, first) > longest && time(run, cut - 1) >= earliest)
    --cut;
  return cut;
}

// Leaves out what comes before the segment. True: the rung has its first picture.
bool DerivedWriter::State::starts(const SourceRun& run, const Boundary& boundary) {
  const bool goes_on = whole;
  size_t first = 0;
  while (first < queue.size() && time(run, first) < boundary.begin - kSlack) ++first;
  if (!goes_on)
    while (first < queue.size() && !queue.key(first) && time(run, first) < boundary.begin + kKeySearch)
      ++first;
  drop(first);
  if (queue.empty() || time(run, 0) >= boundary.begin + kKeySearch) return false;
  return queue.key(0) || (goes_on && queue.presentation(0) == written_presentation);
}

// True: there is a writer. Otherwise it is being opened, or `result` says why not.
bool DerivedWriter::State::open_writer(const SourceRun& source_run, const Boundary& boundary,
                                       Result<void>& result) {
  if (run != boundary.run) end_run(reason_of_end());
  if (writer) return true;
  if (!opening) {
    RunInfo info;
    info.event = settings.event;
    info.station = settings.station;
    info.protocol = "derived";
    info.claim = "unverified";
    info.max_segment_ms = source_run.record.max_segment_ms;
    info.position = RunPosition{boundary.msn, boundary.dseq, source_run.time->base, source_run.record.run};
    RunSettings run_settings;
    run_settings.file_ms = settings.file_ms;
    run_settings.frame_index = false;
    run = boundary.run;
    opening = RunWriter::open(volume, info, run_settings, on_opened);
  }
  if (!opening->wait_ms(0)) return false;
  auto opened = std::exchange(opening, nullptr)->take(on_record);
  if (!opened) {
    result = Unexpected(opened.error());
    return false;
  }
  writer = *std::move(opened);
  sequence = 1;
  return true;
}

Result<void> DerivedWriter::State::write(const SourceRun& source_run, const Boundary& boundary,
                                         size_t count) {
  const uint64_t number = queue.presentation(0);
  while (tracks.front().first < number) tracks.pop_front();
  const codec::Track& of = tracks.front().second;
  fmp4::Presentation presentation_of;
  (of.kind == codec::Kind::video ? presentation_of.video : presentation_of.audio) = of;
  std::vector<fmp4::AccessUnit> units = queue.take(count, *source_run.time, of, boundary.end,
                                                   int64_t{source_run.record.max_part_ms} * kTicksPerMs);
  auto part = fmp4::single_track_part(of, std::move(units), sequence++, boundary.starts_segment,
                                      boundary.ends_segment);
  if (!part) return Unexpected(part.error());
  part->utc_us = boundary.utc_us;
  if (boundary.starts_segment) writer->place(boundary.msn, boundary.dseq);
  if (auto begun = writer->begin(presentation_of); !begun) return begun;
  if (auto written = writer->write(*part); !written) return written;
  written_presentation = number;
  stats.units += count;
  stats.parts += 1;
  stats.bytes += part->length;
  stats.segments += boundary.starts_segment ? 1 : 0;
  stats.newest_pts = part->pts + part->duration;
  return {};
}

Result<void> DerivedWriter::State::advance() {
  Result<void> result;
  if (next < from().first) {  // too far behind
    next = from().first;
    writing = whole = false;
  }
  for (; next < from().next(); ++next) {
    const Boundary& boundary = from().at(next);
    const SourceRun& source_run = from().runs.at(boundary.run);
    if (!source_run.time) continue;  // its writer never said
    // A rung that is just being started has nothing of what was before.
    std::optional<size_t> cut = find_cut(source_run, boundary);
    if (!cut) return result;
    if (boundary.starts_segment) {
      const size_t before = queue.size();
      writing = starts(source_run, boundary);
      *cut -= std::min(*cut, before - queue.size());
    }
    whole = false;
    size_t same = 0;  // units of one presentation
    while (same < *cut && queue.presentation(same) == queue.presentation(0)) ++same;
    if (!boundary.starts_segment && *cut > 0 && queue.presentation(0) != written_presentation)
      writing = false;
    if (!writing) {
      drop(*cut);
      continue;
    }
    if (*cut == 0) {  // a hole, in a segment that has begun
      whole = boundary.ends_segment;
      continue;
    }
    if (!open_writer(source_run, boundary, result)) {
      if (result) return result;  // on_opened will tell
      drop(*cut);
      writing = false;
      continue;
    }
    if (auto written = write(source_run, boundary, same); !written) result = Unexpected(written.error());
    if (same < *cut) {  // the rest is another presentation's, which begins with a segment
      drop(*cut - same);
      writing = false;
      continue;
    }
    whole = boundary.ends_segment;
  }
  follow_end();
  return result;
}

// The source's run has ended, and all of it was written.
void DerivedWriter::State::follow_end() {
  if (!writer && !opening) return;
  const auto followed = from().runs.find(run);
  if (followed != from().runs.end() && !followed->second.ended) return;
  end_run(reason_of_end());
  writing = whole = false;
}

void DerivedWriter::State::end_run(const std::string& reason) {
  opening.reset();
  if (writer) writer->end(reason.empty() ? "source" : reason);
  writer.reset();
}

DerivedWriter::DerivedWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}

DerivedWriter::~DerivedWriter() {
  end("abandoned");
}

std::unique_ptr<DerivedWriter> DerivedWriter::start(std::shared_ptr<Volume> volume,
                                                    std::shared_ptr<DerivedSource> source,
                                                    const DerivedSettings& settings, OnRecord on_record,
                                                    OnOpened on_opened) {
  return std::unique_ptr<DerivedWriter>(new DerivedWriter(std::make_unique<State>(
      std::move(volume), std::move(source), settings, std::move(on_record), std::move(on_opened))));
}

void DerivedWriter::configure(const codec::Track& track) {
  if (state_->track == track) return;
  state_->track = track;
  state_->tracks.emplace_back(++state_->presentation, track);
}

void DerivedWriter::push(DerivedUnit unit) {
  State& state = *state_;
  if (!state.track || unit.data.empty()) return;
  state.drained = false;
  state.queue.push(std::move(unit), state.track->kind, state.presentation);
  if (state.queue.bytes() <= kMaxDerivedBytes) return;
  state.drop(state.queue.size() / 2);
  state.writing = state.whole = false;
}

Result<void> DerivedWriter::advance() {
  return state_->advance();
}

Result<void> DerivedWriter::drain() {
  state_->drained = true;
  return state_->advance();
}

void DerivedWriter::end(const std::string& reason) {
  state_->end_run(reason);
  state_->writing = state_->whole = false;
  state_->drop(state_->queue.size());
}

int64_t DerivedWriter::behind_ms() const {
  const DerivedSource::State& from = state_->from();
  const uint64_t next = std::max(state_->next, from.first);
  int64_t behind = 0;
  for (uint64_t i = next; i < from.next(); ++i) behind += from.at(i).end - from.at(i).begin;
  return behind / kTicksPerMs;
}

bool DerivedWriter::is_opening() const {
  return state_->opening != nullptr;
}

const DerivedStats& DerivedWriter::stats() const {
  return state_->stats;
}

}  // namespace headgate::store

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmp4/packager.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "chunk_writer.h"
#include "track_queue.h"

namespace headgate::fmp4 {
namespace {

int64_t ticks(int64_t ms) {
  return ms * (kPartTimescale / 1000);
}

int64_t shortest_segment_ms(const PackagerSettings& settings) {
  return std::clamp<int64_t>(settings.segment_ms, 500, 30'000);
}

int64_t part_ms(const PackagerSettings& settings) {
  return std::clamp<int64_t>(settings.part_ms, 100, 10'000);
}

// The settings as they are used.
struct Limits {
  int64_t part, longest_part, segment, max_segment, hard, interleave;  // kPartTimescale

  explicit Limits(const PackagerSettings& settings) {
    const int64_t segment_ms = shortest_segment_ms(settings);
    part = ticks(part_ms(settings));
    longest_part = ticks(longest_part_ms(settings));
    segment = ticks(segment_ms) - ticks(segment_ms) / 20;
    max_segment = ticks(longest_segment_ms(settings));
    hard = max_segment + ticks(kSegmentSlackMs);
    interleave = ticks(std::clamp<int64_t>(settings.interleave_ms, 0, 10'000));
  }
};

// Frames that lie one behind the other in memory become one span, but never one with the header before them.
void append_payload(std::span<const AccessUnit> units, std::vector<iovec>& spans) {
  const size_t first = spans.size();
  for (const AccessUnit& unit : units) {
    if (spans.size() > first) {
      iovec& last = spans.back();
      if (static_cast<const std::byte*>(last.iov_base) + last.iov_len == unit.data.data()) {
        last.iov_len += unit.data.size();
        continue;
      }
    }
    spans.push_back({const_cast<std::byte*>(unit.data.data()), unit.data.size()});
  }
}

void append_frames(std::span<const AccessUnit> units, uint32_t timescale, std::vector<Frame>& frames) {
  for (const AccessUnit& unit : units)
    frames.push_back({unit.kind, unit.data, to_part_ticks(unit.pts, timescale),
                      unit.key || unit.kind == codec::Kind::audio});
}

// The leading track's times are the part's.
void describe(const TrackQueue& lead, size_t count, Part& part) {
  const std::span<const AccessUnit> units = lead.first(count);
  int64_t pts = units[0].pts;
  for (const AccessUnit& unit : units) pts = std::min(pts, unit.pts);
  part.pts = to_part_ticks(pts, lead.timescale());
  part.duration = to_part_ticks(units.back().dts + lead.duration_of_last(count), lead.timescale()) -
                  to_part_ticks(units[0].dts, lead.timescale());
  part.utc_us = units[0].utc_us;
}

// A part's share of one track.
struct Share {
  TrackQueue* queue;
  uint32_t track_id;
  size_t count;
};

constexpr size_t kMaxShares = 2;

void fill(Part& part, std::span<const Share> shares, uint32_t& sequence) {
  size_t total = 0;
  for (const Share& share : shares) total += share.count;
  part.units.reserve(total);
  part.frames.reserve(total);
  // All headers before any span points into them.
  std::array<size_t, kMaxShares + 1> header_ends{};
  for (size_t i = 0; i < shares.size(); ++i) {
    const auto& [queue, id, count] = shares[i];
    if (count > 0)
      write_chunk_header(part.headers, sequence++, id, queue->first(count), queue->duration_of_last(count));
    header_ends[i + 1] = part.headers.size();
  }
  for (size_t i = 0; i < shares.size(); ++i) {
    const auto& [queue, id, count] = shares[i];
    if (count == 0) continue;
    const size_t bytes_before = queue->bytes(), units_before = part.units.size();
    queue->take(count, part.units);
    const auto units = std::span<const AccessUnit>(part.units).subspan(units_before);
    const size_t header = header_ends[i + 1] - header_ends[i];
    const Chunk chunk{id, part.length, header + bytes_before - queue->bytes()};
    part.spans.push_back({part.headers.data() + header_ends[i], header});
    append_payload(units, part.spans);
    append_frames(units, queue->timescale(), part.frames);
    part.chunks.push_back(chunk);
    part.length += chunk.length;
  }
}

}  // namespace

Result<Part> single_track_part(const codec::Track& track, std::vector<AccessUnit> units, uint32_t sequence,
                               bool starts_segment, bool ends_segment) {
  if (units.empty()) return Unexpected("a part without units");
  TrackQueue queue(track);
  for (AccessUnit& unit : units)
    if (auto pushed = queue.push(std::move(unit)); !pushed) return Unexpected(pushed.error());
  const bool video = track.kind == codec::Kind::video;
  Part part;
  part.starts_segment = starts_segment;
  part.ends_segment = ends_segment;
  part.independent = !video || queue[0].key;
  describe(queue, queue.size(), part);
  const Share share{&queue, video ? kVideoTrackId : kAudioTrackId, queue.size()};
  fill(part, {&share, 1}, sequence);
  return part;
}

int64_t longest_segment_ms(const PackagerSettings& settings) {
  return std::clamp<int64_t>(settings.max_segment_ms, shortest_segment_ms(settings), 120'000);
}

int64_t longest_part_ms(const PackagerSettings& settings) {
  return part_ms(settings) + part_ms(settings) / 10;
}

struct Packager::State {
  State(Presentation presentation, const PackagerSettings& settings, uint32_t first_sequence)
      : limits(settings), sequence(first_sequence) {
    if (presentation.video) video.emplace(*presentation.video);
    if (presentation.audio) audio.emplace(*presentation.audio);
  }

  // Where a part ends: before unit `count` of the leading track, which begins at `time`.
  struct Cut {
    size_t count = 0;
    int64_t time = 0;
    bool boundary = false;  // of a segment
  };

  std::optional<Cut> find_video_cut();
  void note_key(int64_t time);
  bool ends_at_key(int64_t age) const;
  bool key_is_coming(int64_t start) const;
  std::optional<Cut> find_audio_cut() const;
  // A part up to unit i would be longer than promised, and one up to the unit before is not.
  bool too_long(const TrackQueue& lead, size_t i) const {
    return i > 1 && lead.time(i) - lead.time(0) > limits.longest_part && !lead.gap_before(i);
  }
  bool video_stalled() const;
  bool audio_stalled() const { return *video->last_time() - *audio->last_time() >= limits.interleave; }
  bool over_limits() const;
  bool cut_one(bool draining);
  void emit(size_t video_count, size_t audio_count, bool ends_segment = false);
  void emit_rest();
  void begin_segment(int64_t time) {
    segment_start = time;
    next_starts_segment = true;
    segment_has_video = false;
    began_within_gop = false;
  }

  Limits limits;
  std::optional<TrackQueue> video, audio;
  uint32_t sequence;                     // of the next moof
  std::optional<int64_t> segment_start;  // nothing: no segment is open
  bool next_starts_segment = true;
  bool segment_has_video = false;
  bool began_within_gop = false;         // the segment was cut off the one before without a key frame
  std::optional<int64_t> last_key, gop;  // when the newest key frame began, and how long after the one before
  size_t scanned = 0;  // video units looked at since the last cut, and the bytes before that one
  size_t scanned_bytes = 0;
  std::deque<Part> finished;
};

void Packager::State::note_key(int64_t time) {
  if (last_key == time) return;  // looked at before
  if (last_key && time > *last_key) gop = time - *last_key;
  last_key = time;
}

// At a key frame: long enough; or the next one, if it comes after as long as this one did, would be too late;
// or players have waited for one.
bool Packager::State::ends_at_key(int64_t age) const {
  return age >= limits.segment || (age > 0 && (began_within_gop || (gop && age + *gop > limits.hard)));
}

// The next key frame, if it comes after as long as the last one did, ends the segment in time.
bool Packager::State::key_is_coming(int64_t start) const {
  return last_key && gop && *last_key + *gop - start <= limits.hard;
}

// The first video unit that begins a new part or segment.
std::optional<Packager::State::Cut> Packager::State::find_video_cut() {
  for (; scanned < video->size(); ++scanned) {
    const size_t i = scanned;
    const AccessUnit& unit = (*video)[i];
    const int64_t time = video->time(i);
    const int64_t start = segment_start.value_or(video->time(0));
    const int64_t age = time - start;
    // A segment of audio alone ends where the video comes (back) with a key frame.
    const bool joins = i == 0 && segment_start && !segment_has_video && age > 0;
    if (unit.key) note_key(time);
    // The unit before would make the segment too long.
    if (age > limits.hard && i > 0 && video->time(i - 1) > start && !video->gap_before(i))
      return Cut{i - 1, video->time(i - 1), true};
    if (too_long(*video, i)) return Cut{i - 1, video->time(i - 1), false};
    if (unit.key && (joins || ends_at_key(age))) return Cut{i, time, true};
    if (age > limits.hard || (age >= limits.max_segment && !unit.key && !key_is_coming(start)))
      return Cut{i, time, true};
    if (i > 0 && (time - video->time(0) >= limits.part || video->gap_before(i) || i >= kMaxPartUnits ||
                  scanned_bytes >= kMaxPartBytes))
      return Cut{i, time, false};
    scanned_bytes += unit.data.size();
  }
  return std::nullopt;
}

// Likewise for audio that leads.
std::optional<Packager::State::Cut> Packager::State::find_audio_cut() const {
  const int64_t start = segment_start.value_or(audio->empty() ? 0 : audio->time(0));
  size_t bytes = 0;
  for (size_t i = 0; i < audio->size(); ++i) {
    const int64_t time = audio->time(i);
    if (too_long(*audio, i)) return Cut{i - 1, audio->time(i - 1), false};
    if (time - start >= limits.segment) return Cut{i, time, true};
    if (i > 0 && (time - audio->time(0) >= limits.part || audio->gap_before(i) || i >= kMaxPartUnits ||
                  bytes >= kMaxPartBytes))
      return Cut{i, time, false};
    bytes += (*audio)[i].data.size();
  }
  return std::nullopt;
}

bool Packager::State::video_stalled() const {
  if (!audio || audio->empty()) return false;
  const int64_t since = video->last_time().value_or(audio->time(0));
  return *audio->last_time() - since >= limits.interleave;
}

bool Packager::State::over_limits() const {
  const size_t bytes = (video ? video->bytes() : 0) + (audio ? audio->bytes() : 0);
  return bytes >= kMaxPartBytes || (video && video->size() >= kMaxPartUnits) ||
         (audio && audio->size() >= kMaxPartUnits);
}

// Cuts at most one part or segment; true: there may be another. `draining`: nothing more will come, so
// nothing is waited for.
bool Packager::State::cut_one(bool draining) {
  const bool full = over_limits();
  const bool impatient = draining || full;
  if (video) {
    if (const std::optional<Cut> cut = find_video_cut()) {
      const bool audio_is_there = !audio || audio->last_time().value_or(cut->time - 1) >= cut->time;
      if (!audio_is_there && !impatient && *video->last_time() - cut->time < limits.interleave) return false;
      emit(cut->count, audio ? audio->count_before(cut->time) : 0, cut->boundary);
      if (cut->boundary) {
        begin_segment(cut->time);
        began_within_gop = !(*video)[0].key;
      }
      return true;
    }
  }
  // A stalled video's last frames go now, the last one with the duration to be expected of it: they must not
  // come behind the audio of the time after them.
  const size_t video_count = video ? video->size() : 0;
  if (audio && (!video || full || (!draining && video_stalled()))) {
    if (const std::optional<Cut> cut = find_audio_cut()) {
      emit(video_count, cut->count, cut->boundary);
      if (cut->boundary) begin_segment(cut->time);
      return true;
    }
  }
  if (full) emit(video_count, audio ? audio->size() : 0);  // times that do not advance, or huge frames
  return false;
}

// Makes a part of the first units of each track.
void Packager::State::emit(size_t video_count, size_t audio_count, bool ends_segment) {
  scanned = 0;
  scanned_bytes = 0;
  if (audio) audio_count = audio->count_until_gap(audio_count);
  if (video_count + audio_count == 0) return;
  const bool video_leads = video_count > 0;
  const TrackQueue& lead = video_leads ? *video : *audio;
  Part& part = finished.emplace_back();
  part.starts_segment = std::exchange(next_starts_segment, false);
  part.ends_segment = ends_segment;
  part.independent = video_leads ? lead[0].key : !video;
  if (!segment_start) segment_start = lead.time(0);
  segment_has_video |= video_leads;
  describe(lead, video_leads ? video_count : audio_count, part);
  const std::array<Share, 2> shares{Share{video ? &*video : nullptr, kVideoTrackId, video_count},
                                    Share{audio ? &*audio : nullptr, kAudioTrackId, audio_count}};
  fill(part, shares, sequence);
}

// What is left, as far as both tracks have it, if that makes a part that its segment may go on behind.
void Packager::State::emit_rest() {
  constexpr int64_t kReach = kPartTimescale / 20;  // of two tracks' frames over the same moment
  TrackQueue& lead = video ? *video : *audio;
  if (lead.empty() || !lead.settle()) return;
  int64_t until = lead.time(0) + limits.longest_part;
  if (video && audio && audio->last_time() && (!audio->empty() || !audio_stalled())) {
    const int64_t heard = audio->empty() ? *audio->last_time() : audio->end();
    if (heard > lead.end() + kReach) return;
    until = std::min(until, heard + kReach);
  }
  size_t count = lead.size();
  const auto end = [&] { return count < lead.size() ? lead.time(count) : lead.end(); };
  while (count > 0 && end() > until) --count;
  if ((end() - lead.time(0)) * 100 < limits.longest_part * kLeastPartPercent) return;
  const size_t heard_count = !audio ? 0 : count < lead.size() ? audio->count_before(end()) : audio->size();
  emit(video ? count : 0, video ? heard_count : count);
}

Packager::Packager(Presentation presentation, PackagerSettings settings, uint32_t first_sequence)
    : state_(std::make_unique<State>(presentation, settings, first_sequence)) {}
Packager::~Packager() = default;
Packager::Packager(Packager&&) noexcept = default;
Packager& Packager::operator=(Packager&&) noexcept = default;

Result<void> Packager::push(AccessUnit unit) {
  std::optional<TrackQueue>& queue = unit.kind == codec::Kind::video ? state_->video : state_->audio;
  if (!queue)
    return Unexpected(unit.kind == codec::Kind::video ? "video: the presentation has no such track"
                                                      : "audio: the presentation has no such track");
  if (Result<void> pushed = queue->push(std::move(unit)); !pushed) return pushed;
  while (state_->cut_one(false)) {
  }
  return {};
}

std::optional<Part> Packager::next_part() {
  if (state_->finished.empty()) return std::nullopt;
  std::optional<Part> part(std::move(state_->finished.front()));
  state_->finished.pop_front();
  return part;
}

void Packager::settle() {
  state_->emit_rest();
}

void Packager::flush() {
  State& state = *state_;
  while (state.cut_one(true)) {
  }
  const auto waiting = [](const std::optional<TrackQueue>& queue) { return queue ? queue->size() : 0; };
  while (waiting(state.video) + waiting(state.audio) > 0)
    state.emit(waiting(state.video), waiting(state.audio));
  for (std::optional<TrackQueue>* queue : {&state.video, &state.audio})
    if (*queue) (*queue)->forget_time();
  state.segment_start.reset();
  state.next_starts_segment = true;
  state.segment_has_video = false;
  state.began_within_gop = false;
  state.last_key.reset();
}

}  // namespace headgate::fmp4

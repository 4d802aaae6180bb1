// SPDX-License-Identifier: LGPL-2.1-or-later
#include "run_writer_impl.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "kernel_clock.h"
#include "layout.h"

namespace headgate::store {
namespace {

constexpr int64_t kClockStepUs = 250'000;
constexpr int64_t kTimeEveryUs = 600'000'000;  // between two `time` lines
constexpr size_t kMaxPartsPerSegment = 500;

int64_t ticks_to_us(int64_t ticks) {
  return ticks * 1'000'000 / static_cast<int64_t>(fmp4::kPartTimescale);
}

bool is_full(int code) {
  return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

}  // namespace

RunWriterImpl::RunWriterImpl(std::shared_ptr<VolumeImpl> volume, Opened opened, const RunSettings& settings,
                             OnRecord on_record)
    : volume_(std::move(volume)),
      settings_(settings),
      on_record_(std::move(on_record)),
      open_(std::move(opened.line)),
      directory_(std::move(opened.directory)),
      volume_uuid_(std::move(opened.volume)),
      log_(std::move(opened.log)),
      maker_(opened.prefix),
      next_msn_(open_.msn),
      dseq_(open_.dseq),
      any_media_(open_.any_media),
      end_pts_(open_.end_pts),
      end_utc_us_(open_.end_utc_us) {
  time_told_us_ = volume_->clock().mono_us();
  clock_offset_us_ = volume_->clock().utc_us() - time_told_us_;
  if (open_.any_media) {
    pending_gap_ = GapLine{opened.previous_crashed ? "restart" : "disconnect", end_pts_, open_.base,
                           end_utc_us_, open_.utc_us};
  }
  tell(maker_.run(open_));
}

RunWriterImpl::~RunWriterImpl() {
  end("abandoned");
}

Result<void> RunWriterImpl::begin(const fmp4::Presentation& presentation) {
  if (ended_) return Unexpected(EINVAL, "the run has ended");
  if (presentation_ == presentation) return {};
  finish_file();
  presentation_.reset();
  if (presentations_ == kMaxPresentations)
    return Unexpected(E2BIG, "the codec configuration has changed " + std::to_string(kMaxPresentations) +
                                 " times in one run");
  auto init = fmp4::init_segment(presentation);
  if (!init) return Unexpected(init.error());
  ++presentations_;
  presentation_ = presentation;
  init_ = std::move(*init);
  return {};
}

Result<void> RunWriterImpl::write(const fmp4::Part& part) {
  if (ended_ || !presentation_)
    return Unexpected(EINVAL, ended_ ? "the run has ended" : "write before begin");
  if (part.length > kMaxPartBytes || part.chunks.empty() || part.chunks.size() > kMaxChunks ||
      part.duration < 0 || part.duration > UINT32_MAX || std::abs(part.pts) > kMaxNumber)
    return Unexpected(EMSGSIZE, "a part of " + std::to_string(part.length) + " bytes cannot be stored");
  watch_clock();
  if (failed_ == 0 && volume_->poison() != 0) fail(EIO, volume_->poison());
  if (failed_ != 0 && !may_resume(part)) return refuse(part);
  bool starts = part.starts_segment || segment_.parts.empty() || segment_.parts.size() >= kMaxPartsPerSegment;
  if (starts) finish_segment();
  if (starts && file_ && rotation_slot(part.pts) != file_slot_) finish_file();
  if (!file_) {
    auto opened = open_file(part.pts);
    if (!opened) return failed(opened.error(), part);
  }
  PartBox box = describe(part, starts);
  write_part_box(box, box_bytes_);
  auto written = file_->write(box_bytes_, part);
  if (!written) return failed(written.error(), part);
  accept(part, std::move(box));
  // A listener is told of the segment now, not with the next part.
  if (part.ends_segment) finish_segment();
  return {};
}

void RunWriterImpl::place(uint64_t msn, uint64_t dseq) {
  finish_segment();
  placed_ = true;
  next_msn_ = msn;
  dseq_ = dseq;
}

PartBox RunWriterImpl::describe(const fmp4::Part& part, bool starts) {
  bool jump = std::abs(part.pts - end_pts_) > kJumpTicks || segment_init_ != maker_.init_id();
  PartBox box;
  box.msn = next_msn_;
  box.dseq = dseq_ + (!placed_ && starts && jump && totals_.segments > 0 ? 1 : 0);
  box.index = static_cast<uint32_t>(segment_.parts.size());
  box.ends_segment = part.ends_segment;
  uint64_t header = part_box_size(part.chunks.size());
  box.part.offset = file_->size();
  box.part.length = header + part.length;
  box.part.pts = part.pts;
  box.part.duration = part.duration;
  box.part.utc_us = part.utc_us;
  box.part.independent = part.independent;
  for (const fmp4::Chunk& chunk : part.chunks)
    box.part.chunks.push_back({chunk.track_id, box.part.offset + header + chunk.offset, chunk.length});
  return box;
}

// The part's bytes can be read from the file.
void RunWriterImpl::accept(const fmp4::Part& part, PartBox box) {
  if (pending_gap_) {
    pending_gap_->to_pts = part.pts;
    pending_gap_->to_utc_us = part.utc_us;
    record_gap(*pending_gap_);
    pending_gap_.reset();
  }
  if (segment_.parts.empty()) {
    segment_.file = file_->index();
    segment_.msn = box.msn;
    segment_.dseq = box.dseq;
    segment_.mono_us = volume_->clock().mono_us();
    segment_init_ = maker_.init_id();
    dseq_ = box.dseq;
  }
  segment_.frames += static_cast<uint32_t>(part.frames.size());
  segment_.key_frames += static_cast<uint32_t>(std::ranges::count_if(
      part.frames, [](const fmp4::Frame& frame) { return frame.kind == codec::Kind::video && frame.key; }));
  any_media_ = true;
  end_pts_ = part.pts + part.duration;
  end_utc_us_ = part.utc_us + ticks_to_us(part.duration);
  log_->media_written();
  tell(maker_.part(file_->index(), box.msn, box.dseq, box.index, box.part));
  segment_.parts.push_back(std::move(box.part));
}

void RunWriterImpl::finish_segment() {
  if (segment_.parts.empty()) return;
  sum_parts(segment_);
  segment_.sha = file_->take_segment_sha();
  segment_.frame_sha = file_->take_frame_sha();
  add({.type = "frag", .of_media = true, .recorded_until = end_pts_},
      [&](JsonLine& json) { put(json, segment_); });
  totals_.segments += 1;
  totals_.frames += segment_.frames;
  totals_.bytes += segment_.length;
  totals_.ms += segment_.duration / 90;
  ++next_msn_;
  tell(maker_.segment(segment_));
  segment_ = {};
}

// Files begin anew every file_ms of the stream's timeline; the station's number shifts the moment, so that
// not all files of a node end at once.
int64_t RunWriterImpl::rotation_slot(int64_t pts) const {
  constexpr uint64_t kSpread = 2'654'435'761;  // 2^32 / golden ratio: neighbours end up far apart
  int64_t shift = static_cast<int64_t>(
      open_.station * kSpread % (1ull << 32) * static_cast<uint64_t>(settings_.file_ms) >> 32);
  return (pts / 90 + shift) / settings_.file_ms;
}

Result<void> RunWriterImpl::open_file(int64_t pts) {
  MediaFile::Options options{volume_->settings().durable,
                             settings_.frame_index && volume_->settings().durable};
  auto file = MediaFile::create(directory_, next_file_, init_, *presentation_, options);
  if (!file) return Unexpected(file.error());
  file_ = std::move(*file);
  ++next_file_;
  file_slot_ = rotation_slot(pts);
  FileLine line = describe_file(file_->index(), *presentation_, init_);
  add({.type = "file", .of_media = true}, [&](JsonLine& json) { put(json, line); });
  log_->media_written();
  tell(maker_.init(line));
  return {};
}

void RunWriterImpl::finish_file() {
  if (!file_) return;
  finish_segment();
  CloseLine line = file_->finish();
  add({.type = "close",
       .of_media = true,
       .finished = FinishedFile{directory_, file_->index(), file_->take_descriptor()}},
      [&](JsonLine& json) { put(json, line); });
  file_.reset();
}

void RunWriterImpl::watch_clock() {
  const Clock& clock = volume_->clock();
  int64_t mono = clock.mono_us();
  int64_t utc = clock.utc_us();
  int64_t expected = mono + std::exchange(clock_offset_us_, utc - mono);
  const bool stepped = std::abs(utc - expected) > kClockStepUs;
  if (stepped)
    add({.type = "clock"}, [&](JsonLine& json) {
      json.field("before", expected).field("after", utc).field("mono", mono).field("source", "realtime");
    });
  if (!stepped && mono - time_told_us_ < kTimeEveryUs) return;
  time_told_us_ = mono;
  add({.type = "time"},
      [&](JsonLine& json) { json.field("utc", utc).field("mono", mono).raw("ntp", kernel_clock_json()); });
}

void RunWriterImpl::record_gap(const GapLine& line) {
  totals_.gaps += 1;
  add({.type = "gap"}, [&](JsonLine& json) { put(json, line); });
  tell(RecordMaker::gap(line));
}

void RunWriterImpl::gap(const std::string& reason, int64_t from_pts, int64_t to_pts) {
  if (ended_) return;
  finish_segment();
  if (pending_gap_) return;  // a greater one that is not over
  int64_t from_utc_us = any_media_ ? end_utc_us_ + ticks_to_us(from_pts - end_pts_) : open_.utc_us;
  record_gap({reason.substr(0, kMaxReasonBytes), from_pts, to_pts, from_utc_us,
              std::max(from_utc_us, volume_->clock().utc_us())});
}

void RunWriterImpl::repair(const ClockRepair& repair) {
  if (ended_) return;
  add({.type = "repair"}, [&](JsonLine& json) {
    json.field("track", repair.track)
        .field("kind", repair.kind)
        .field("count", repair.count)
        .field("before_ms", repair.before_ms)
        .field("after_ms", repair.after_ms)
        .field("pts", repair.pts);
  });
}

// The disk refused. What is in the file stays; nothing more comes into it.
void RunWriterImpl::fail(int code, int disk_errno) {
  finish_file();
  failed_ = code;
  // A broken volume is told of by the log, which knows what is not durable.
  if (code == ENOSPC)
    add({.type = "io"},
        [&](JsonLine& json) { json.field("errno", disk_errno).field("volume", volume_uuid_); });
  std::string reason = code == ENOSPC ? "disk_full" : "io";
  if (!pending_gap_)
    pending_gap_ =
        GapLine{reason, any_media_ ? end_pts_ : open_.base, 0, any_media_ ? end_utc_us_ : open_.utc_us, 0};
}

Unexpected RunWriterImpl::failed(const Error& error, const fmp4::Part& part) {
  if (is_full(error.code)) {
    volume_->report_full();
    fail(ENOSPC, error.code);
  } else {
    volume_->set_poison(error.code);
    fail(EIO, error.code);
  }
  return refuse(part);
}

bool RunWriterImpl::may_resume(const fmp4::Part& part) {
  if (failed_ != ENOSPC || !part.starts_segment || volume_->space() != Space::good) return false;
  failed_ = 0;
  return true;
}

Unexpected RunWriterImpl::refuse(const fmp4::Part& part) {
  pending_gap_->to_pts = part.pts + part.duration;
  pending_gap_->to_utc_us = part.utc_us + ticks_to_us(part.duration);
  return Unexpected(failed_, failed_ == ENOSPC
                                 ? "the archive's disk is full: make room on " + volume_->settings().root
                                 : "the archive's disk fails: " + volume_->settings().root);
}

void RunWriterImpl::end(const std::string& reason) {
  if (ended_) return;
  ended_ = true;
  finish_file();
  if (pending_gap_) {
    // Without media since: until now.
    if (pending_gap_->to_pts < pending_gap_->from_pts) pending_gap_->to_pts = pending_gap_->from_pts;
    if (failed_ != 0) record_gap(*pending_gap_);
  }
  EndLine line;
  line.reason = reason.substr(0, kMaxReasonBytes);
  line.utc_us = volume_->clock().utc_us();
  line.totals = totals_;
  line.next = continuation();
  add({.type = "end", .ends = true}, [&](JsonLine& json) { put(json, line); });
  volume_->ended({open_.event, open_.station}, line.next);
  tell(playlist::EndRecord{line.reason});
}

Continuation RunWriterImpl::continuation() const {
  Continuation next;
  next.run = open_.run;
  next.base = open_.base;
  next.utc_us = open_.utc_us;
  next.next_msn = next_msn_;
  next.next_dseq = totals_.segments > 0 ? dseq_ + 1 : open_.dseq;
  next.any_media = any_media_;
  next.end_pts = end_pts_;
  next.end_utc_us = end_utc_us_;
  return next;
}

}  // namespace headgate::store

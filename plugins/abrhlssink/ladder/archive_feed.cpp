// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/archive_feed.h"

#include <base/clock.h>
#include <base/io.h>
#include <fcntl.h>
#include <playlist/hls.h>
#include <pthread.h>

#include <algorithm>
#include <utility>

#include "common/codec_caps.h"
#include "ladder/quiet_threads.h"

namespace headgate::abrhlssink {

using codec::Kind;
using gst::Ref;

namespace {

Result<ByteVector> read_range(int fd, uint64_t offset, uint64_t length) {
  if (length > kMaxChunkBytes) return Unexpected("a chunk of " + std::to_string(length) + " bytes");
  return pread_exact(fd, offset, length);
}

Ref<GstMemory> memory_of(ByteVector bytes) {
  auto* const owned = new ByteVector(std::move(bytes));
  return Ref<GstMemory>::adopt(
      gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, owned->data(), owned->size(), 0, owned->size(), owned,
                             [](gpointer data) { delete static_cast<ByteVector*>(data); }));
}

}  // namespace

ArchiveFeed::ArchiveFeed(std::string root, Events events)
    : root_(std::move(root)), events_(std::move(events)) {}

ArchiveFeed::~ArchiveFeed() {
  stop();
}

void ArchiveFeed::add(const playlist::Record& record) {
  std::lock_guard lock(mutex_);
  if (const auto* init = std::get_if<playlist::InitRecord>(&record)) {
    init_ = std::make_shared<const playlist::InitRecord>(*init);
  } else if (std::holds_alternative<playlist::RunRecord>(record)) {
    time_.reset();
  } else if (const auto* part = std::get_if<playlist::PartRecord>(&record); part && init_ && time_) {
    pieces_.push_back({*part, init_, *time_, part->index == 0});
    forget_old();
    changed_.notify_all();
  } else if (std::holds_alternative<playlist::EndRecord>(record) && !pieces_.empty()) {
    Piece end;
    end.part.msn = pieces_.back().part.msn;
    end.ends_run = true;
    pieces_.push_back(std::move(end));
    changed_.notify_all();
  }
}

void ArchiveFeed::set_time(const store::StreamTime& time) {
  std::lock_guard lock(mutex_);
  time_ = time;
}

// With the lock. What is to be read stays.
void ArchiveFeed::forget_old() {
  const uint64_t newest = pieces_.back().part.msn;
  const auto old = [&](const Piece& piece) {
    return piece.part.msn + kSegmentsBefore < newest || piece.part.msn > newest;
  };
  const bool reading = doing_ == Doing::reading;
  while (pieces_.size() > kMaxPieces || (old(pieces_.front()) && (!reading || first_ < next_))) {
    pieces_.pop_front();
    ++first_;
  }
}

void ArchiveFeed::wake() {
  std::lock_guard lock(mutex_);
  if (doing_ != Doing::nothing || stopping_ || ended_ || !events_.wanted()) return;
  if (thread_.joinable()) thread_.join();  // it has given the lock back for the last time
  doing_ = Doing::reading;
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "hg-ladder-read");
    yield_to_others();
    run();
  });
}

void ArchiveFeed::end(Done done) {
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
    if (doing_ != Doing::nothing && !stopping_) {
      done_ = std::move(done);
      changed_.notify_all();
      return;
    }
  }
  done(false);
}

void ArchiveFeed::cease() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

void ArchiveFeed::stop() {
  cease();
  if (thread_.joinable()) thread_.join();
}

void ArchiveFeed::run() {
  bool going_on = true;
  while (going_on) {
    const int64_t began_ms = system_clock().mono_us() / 1000;
    bool caught_up = false;
    {
      std::lock_guard lock(mutex_);
      next_ = std::max(next_, first_);
      // Not within a segment: what was read of it before is with another encoder.
      while (next_ < end_number() && !pieces_[next_ - first_].starts_segment) ++next_;
    }
    init_id_.clear();
    events_.started();
    while (auto piece = next(caught_up)) {
      auto given = hand_out(*piece, !caught_up);
      if (!given && !std::exchange(told_failure_, true)) events_.failed(given.error().message);
      if (given) told_failure_ = false;
      if (!caught_up && system_clock().mono_us() / 1000 - began_ms > kCatchUpMs) {
        caught_up = true;
        skip_to_newest_segment();
      }
      if (!events_.wanted()) break;
    }
    going_on = rest();
  }
}

std::optional<ArchiveFeed::Piece> ArchiveFeed::next(bool& caught_up) {
  std::unique_lock lock(mutex_);
  next_ = std::max(next_, first_);
  if (next_ == end_number()) caught_up = true;
  changed_.wait(lock, [&] { return stopping_ || ended_ || next_ < end_number(); });
  if (stopping_ || next_ == end_number()) return std::nullopt;
  Piece piece = pieces_[next_++ - first_];
  forget_old();
  return piece;
}

void ArchiveFeed::skip_to_newest_segment() {
  std::lock_guard lock(mutex_);
  for (uint64_t number = end_number(); number > next_; --number)
    if (pieces_[number - 1 - first_].starts_segment) {
      next_ = number - 1;
      return;
    }
}

// Whether frames are wanted again meanwhile.
bool ArchiveFeed::rest() {
  bool ended = false;
  {
    std::lock_guard lock(mutex_);
    doing_ = Doing::resting;
    ended = ended_;
  }
  if (!ended) events_.rested();  // otherwise the last of it is on its way
  file_.reset();
  file_name_.clear();
  Done done;
  bool again = false;
  {
    std::lock_guard lock(mutex_);
    if (!stopping_) done = std::exchange(done_, nullptr);
    again = !stopping_ && !ended_ && events_.wanted();
    doing_ = again ? Doing::reading : Doing::nothing;
  }
  if (done) done(true);
  return again;
}

Result<int> ArchiveFeed::open(const std::string& file) {
  if (file_ && file == file_name_) return file_.get();
  const std::string path = root_ + "/" + file;
  // It loses its ".part" when it is closed, perhaps just now.
  for (const char* end : {".part", "", ".part"}) {
    file_.reset(::open((path + end).c_str(), O_RDONLY | O_CLOEXEC));
    if (file_) break;
  }
  if (!file_) return errno_error("open " + path);
  file_name_ = file;
  return file_.get();
}

Result<void> ArchiveFeed::take_init(const playlist::InitRecord& init) {
  if (init.id == init_id_) return {};
  auto fd = open(init.file);
  if (!fd) return Unexpected(fd.error());
  if (init.length > fmp4::kMaxInitBytes) return Unexpected("an init segment that is too long");
  auto bytes = read_range(*fd, init.offset, init.length);
  if (!bytes) return Unexpected(bytes.error());
  auto info = fmp4::read_init(fmp4::source_of(*bytes));
  if (!info) return Unexpected(info.error());
  tracks_ = std::move(info->presentation);
  init_id_ = init.id;
  for (const auto* track : {&tracks_.video, &tracks_.audio})
    if (*track) events_.caps((*track)->kind, gst::caps_of(**track).get());
  return {};
}

Result<void> ArchiveFeed::hand_out(const Piece& piece, bool may_wait) {
  if (piece.ends_run) {
    events_.run_ended();
    return {};
  }
  if (auto taken = take_init(*piece.init); !taken) return taken;
  bool first = piece.starts_segment;
  for (const playlist::ChunkRange& chunk : piece.part.chunks)
    if (auto given = hand_out_chunk(piece, chunk, first, may_wait); !given) return given;
  return {};
}

Result<void> ArchiveFeed::hand_out_chunk(const Piece& piece, const playlist::ChunkRange& chunk, bool& first,
                                         bool may_wait) {
  const bool video = chunk.track_id == playlist::kVideoTrack;
  const auto& track = video ? tracks_.video : tracks_.audio;
  if (!track) return {};
  auto fd = open(piece.part.file);
  if (!fd) return Unexpected(fd.error());
  auto bytes = read_range(*fd, chunk.offset, chunk.length);
  if (!bytes) return Unexpected(bytes.error());
  const auto samples = fmp4::read_samples(fmp4::source_of(*bytes), {.offset = 0, .length = bytes->size()});
  if (!samples) return Unexpected(samples.error());
  const Ref<GstMemory> memory = memory_of(*std::move(bytes));
  for (const fmp4::SampleInfo& sample : *samples) {
    EncodedFrame frame;
    frame.buffer = Ref<GstBuffer>::adopt(gst_buffer_new());
    gst_buffer_append_memory(
        frame.buffer.get(),
        gst_memory_share(memory.get(), static_cast<gssize>(sample.offset), static_cast<gssize>(sample.size)));
    frame.dts_ns = piece.time.running_ns(sample.dts, track->timescale);
    frame.pts_ns = piece.time.running_ns(sample.pts, track->timescale);
    frame.key = sample.is_sync;
    frame.boundary = video && std::exchange(first, false);
    if (!frame.key) GST_BUFFER_FLAG_SET(frame.buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    events_.frame(track->kind, std::move(frame), may_wait);
  }
  return {};
}

}  // namespace headgate::abrhlssink

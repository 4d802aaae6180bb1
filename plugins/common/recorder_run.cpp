// SPDX-License-Identifier: LGPL-2.1-or-later
// The half of Recorder that writes: runs, presentations, parts, gaps.
#include <algorithm>
#include <cerrno>

#include <codec/access_unit.h>

#include "recorder.h"
#include "recorder_track.h"

namespace headgate::gst {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000, kNsPerMs = 1'000'000;

}  // namespace

int64_t Recorder::stream_ticks(int64_t ns, uint32_t timescale) const {
  return time_->ticks(ns, timescale);
}

// Until look() finds that the run is open, whatever comes is kept.
void Recorder::open_run() {
  opening_since_us_ = clock_.mono_us();
  opening_ = store::RunWriter::open(volume_, session_.info, settings_.run, on_opened_);
}

void Recorder::take_run() {
  auto writer = std::exchange(opening_, nullptr)->take([this](const playlist::Record& record) {
    if (std::holds_alternative<playlist::SegmentRecord>(record)) ++stats_.segments;
    emit_(record);
  });
  if (!writer) return fail(writer.error());
  writer_ = std::move(writer).value();
  stats_.run = writer_->name();
  next_sequence_ = 1;
  refusal_told_ = false;
  end_ns_.reset();
  time_.reset();
}

// The run begins with its first unit, whatever the running time was then (a pipeline that has been playing
// for hours; a negative one from an encoder with B frames). In whole milliseconds, so that times which are
// exact in a sender's clock stay exact in every timescale.
void Recorder::begin_timeline() {
  int64_t first_ns = INT64_MAX;
  for (const auto& track : tracks_)
    if (!track->queue.empty()) first_ns = std::min(first_ns, track->queue.front().dts_ns);
  const int64_t rest_ns = ((first_ns % kNsPerMs) + kNsPerMs) % kNsPerMs;
  time_ = {writer_->timeline_offset(), rest_ns - first_ns};
  emit_(*time_);
}

// All tracks that are known, in a new file if that is not what the last one had.
void Recorder::begin_presentation() {
  fmp4::Presentation presentation;
  for (const auto& track : tracks_) {
    if (!track->config) continue;
    const bool used_before =
        track->kind == codec::Kind::video ? presentation_.video.has_value() : presentation_.audio.has_value();
    if (track->queue.empty() && !used_before) continue;
    (track->kind == codec::Kind::video ? presentation.video : presentation.audio) = track->config;
  }
  end_packager();
  if (auto begun = writer_->begin(presentation); !begun) {
    end_run(begun.error().code == E2BIG ? "limit" : "error");
    return fail(begun.error());
  }
  presentation_ = presentation;
  packager_.emplace(std::move(presentation), settings_.packager, next_sequence_);
  note_repairs();
}

void Recorder::feed(Track& track, Unit unit) {
  const auto& present = track.kind == codec::Kind::video ? presentation_.video : presentation_.audio;
  const bool audio_waits = unit.key && track.kind == codec::Kind::video &&
                           std::any_of(tracks_.begin(), tracks_.end(), [this](const auto& other) {
                             return !other->queue.empty() && waits_for_key(*other);
                           });
  if (present != track.config || audio_waits) {
    // The unit decides with its queue; begin_presentation() looks at queues.
    track.queued_bytes += unit.data.size();
    track.queue.push_front(std::move(unit));
    begin_presentation();
    if (!packager_) return;
    unit = track.pop();
  }
  note_gap(unit);
  const uint32_t timescale = track.config->timescale;
  const uint32_t duration =
      track.kind == codec::Kind::audio ? codec::frame_samples(*track.config, unit.data) : 0;
  end_ns_ = std::max(end_ns_.value_or(unit.dts_ns),
                     unit.dts_ns + static_cast<int64_t>(duration) * kNsPerSecond / timescale);
  fmp4::AccessUnit access_unit{.kind = track.kind,
                               .dts = stream_ticks(unit.dts_ns, timescale),
                               .pts = stream_ticks(unit.pts_ns, timescale),
                               .duration = duration,
                               .key = unit.key || track.kind == codec::Kind::audio,
                               .data = unit.data,
                               .holder = std::move(unit.holder),
                               .utc_us = unit.utc_us};
  if (auto pushed = packager_->push(std::move(access_unit)); !pushed) {
    ++stats_.dropped_frames;
    if (!std::exchange(refusal_told_, true))
      emit_(Notice{Notice::Kind::refused, pushed.error().code, pushed.error().message, false});
    return;
  }
  ++stats_.frames;
  write_parts();
}

// Time in which no track has anything is recorded as missing, whoever lost it.
void Recorder::note_gap(const Unit& unit) {
  if (!end_ns_ || unit.dts_ns <= *end_ns_ + kGapNs) return;
  packager_->flush();
  write_parts();
  writer_->gap("stall", stream_ticks(*end_ns_, fmp4::kPartTimescale),
               stream_ticks(unit.dts_ns, fmp4::kPartTimescale));
}

void Recorder::note_repairs() {
  for (store::ClockRepair& repair : repairs_) {
    repair.pts = stream_ticks(repair.pts, fmp4::kPartTimescale);
    writer_->repair(repair);
  }
  repairs_.clear();
}

void Recorder::settle() {
  if (!packager_) return;
  packager_->settle();
  write_parts();
}

void Recorder::write_parts() {
  while (auto part = packager_->next_part()) {
    next_sequence_ += static_cast<uint32_t>(part->chunks.size());
    if (auto written = writer_->write(*part); !written) {
      stats_.dropped_frames += part->frames.size();
      tell_lost(written.error());
      continue;
    }
    ++stats_.parts;
    stats_.bytes += part->length;
    if (!stats_.recording) {
      stats_.recording = true;
      lost_ = false;
      emit_(Notice{Notice::Kind::recording, 0, stats_.run, false});
    }
  }
}

void Recorder::tell_lost(const Error& error) {
  stats_.recording = false;
  const bool broken = volume_->broken(), news = broken && !std::exchange(broken_, broken);
  if (std::exchange(lost_, true) && !news) return;
  emit_(Notice{Notice::Kind::lost, error.code, error.message, broken});
}

void Recorder::fail(const Error& error) {
  failed_ = lost_ = true;
  stats_.recording = false;
  broken_ = volume_->broken();
  emit_(Notice{Notice::Kind::failed, error.code, error.message, broken_});
  drop_queues();
}

void Recorder::end_packager() {
  if (!packager_) return;
  packager_->flush();
  write_parts();
  packager_.reset();
}

void Recorder::end_run(const std::string& reason) {
  end_reason_.clear();
  waiting_since_us_ = 0;
  repairs_.clear();
  if (!writer_) return;
  end_packager();
  writer_->end(reason);
  writer_.reset();
  presentation_ = {};
  stats_.recording = false;
}

}  // namespace headgate::gst

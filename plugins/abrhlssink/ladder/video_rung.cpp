// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/video_rung.h"

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include <ladder/pacer.h>

namespace headgate::abrhlssink {

using gst::Ref;

namespace {

int64_t now_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Result<std::shared_ptr<VideoRung>> VideoRung::start(const std::string& name, uint32_t kbps,
                                                    const GstVideoInfo& info, const EncoderSettings& settings,
                                                    const UnitSink& sink, OnThread on_thread) {
  auto encoder = make_video_encoder(settings, kbps);
  if (!encoder) return Unexpected(encoder.error());
  auto rung = std::shared_ptr<VideoRung>(new VideoRung(name, settings.silence_ns, sink));
  Stage::Setup setup;
  setup.name = "encode-" + name;
  setup.middle = std::move(encoder->elements);
  setup.in_caps = Ref<GstCaps>::adopt(gst_video_info_to_caps(&info));
  setup.out_caps = std::move(encoder->out_caps);
  setup.queue = kEncoderQueue;
  VideoRung* const raw = rung.get();  // owns the stage, whose callbacks end with it
  Stage::Events events;
  events.sample = [raw](GstSample* sample) { raw->came(sample); };
  events.ended = [raw] { raw->over(); };
  events.failed = [raw](std::string error) { raw->fail(std::move(error)); };
  events.thread = std::move(on_thread);
  raw->lends_ = encoder->copies;
  if (raw->lends_)
    events.left = [raw] {
      std::lock_guard lock(raw->mutex_);
      if (std::exchange(raw->taken_, true) && !raw->lent_.empty()) raw->lent_.pop_front();
    };
  rung->heard_ns_ = now_ns();
  auto stage = Stage::start(std::move(setup), std::move(events));
  if (!stage) return Unexpected(stage.error());
  rung->stage_ = std::move(stage).value();
  return rung;
}

void VideoRung::came(GstSample* sample) {
  heard_ns_ = now_ns();
  held_ = 0;
  const int64_t time_ns = Stage::running_ns(sample, GST_BUFFER_PTS(gst_sample_get_buffer(sample)));
  if (time_ns != INT64_MIN) {
    if (!first_ns_) first_ns_ = time_ns;
    given_ns_ = time_ns - *first_ns_;
  }
  std::lock_guard lock(sink_mutex_);
  // An encoder that has lost a picture may still give those that refer to it.
  if (cut_off_ || failed_) return;
  if (auto taken = maker_.take(sample, sink_); !taken) fail(taken.error().message);
}

void VideoRung::over() {
  std::string reason;
  {
    std::lock_guard lock(mutex_);
    reason = reason_;
  }
  {
    std::lock_guard lock(sink_mutex_);
    if (failed_) return;  // it did not give all that it had: abort() ends the run
    if (!cut_off_) sink_.end(name_, reason);
  }
  std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void VideoRung::hang() {
  if (released_ || failed_) return;
  hung_ = true;
  fail("the encoder hangs: nothing came out of it for " + std::to_string(silence_ns_ / 1'000'000) + " ms");
}

bool VideoRung::overdue() const {
  return now_ns() - heard_ns_ > silence_ns_;
}

void VideoRung::fail(std::string error) {
  std::lock_guard lock(mutex_);
  if (error_.empty()) error_ = std::move(error);
  failed_ = true;
  changed_.notify_all();
}

bool VideoRung::wait_finished(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [this] { return ended_ || failed_ || released_; });
  return ended_;
}

std::string VideoRung::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

// A buffer whose memory is the picture's and does not keep it: GstVideoEncoder holds on to a picture until it
// comes out encoded, a second later with x264's lookahead, and all rungs' pictures of a second are many.
Ref<GstBuffer> VideoRung::lend(GstBuffer* picture) {
  GstMapInfo map;
  const GstVideoMeta* const meta = gst_buffer_get_video_meta(picture);
  if (!meta || gst_buffer_n_memory(picture) != 1 || !gst_buffer_map(picture, &map, GST_MAP_READ))
    return Ref<GstBuffer>::adopt(gst_buffer_copy(picture));
  Ref<GstBuffer> loan = Ref<GstBuffer>::adopt(gst_buffer_new_wrapped_full(
      GST_MEMORY_FLAG_READONLY, map.data, map.size, 0, map.size, nullptr, nullptr));
  gst_buffer_unmap(picture, &map);  // of ordinary memory: it stays where it is
  auto offsets = std::to_array(meta->offset);
  auto strides = std::to_array(meta->stride);
  gst_buffer_add_video_meta_full(loan.get(), GST_VIDEO_FRAME_FLAG_NONE, meta->format, meta->width,
                                 meta->height, meta->n_planes, offsets.data(), strides.data());
  return loan;
}

bool VideoRung::push(GstBuffer* picture, int64_t time_ns, bool key, bool may_wait) {
  if (failed_) return false;
  owes_key_ |= key;
  if (!may_wait && patience_.allowance_ns() == 0 && stage_->waiting() >= kEncoderQueue) {
    if (overdue()) hang();
    note(time_ns, false, true);
    return false;
  }
  // The picture is shared: with the next smaller rung, and with itself where it is repeated.
  Ref<GstBuffer> shown = lends_ ? lend(picture) : Ref<GstBuffer>::adopt(gst_buffer_copy(picture));
  const auto time = static_cast<GstClockTime>(time_ns + kStageEpochNs);
  GST_BUFFER_PTS(shown.get()) = time;
  if (owes_key_) {
    GstEvent* event = gst_event_new_custom(
        GST_EVENT_CUSTOM_UPSTREAM,
        gst_structure_new("GstForceKeyUnit", "running-time", GST_TYPE_CLOCK_TIME, time, "all-headers",
                          G_TYPE_BOOLEAN, TRUE, "count", G_TYPE_UINT, 0u, nullptr));
    stage_->send_up(event);
  }
  if (lends_) {
    std::lock_guard lock(mutex_);
    lent_.push_back(Ref<GstBuffer>::retain(picture));
  }
  const bool taken = take(shown, time_ns, may_wait);
  if (!taken && lends_) {
    std::lock_guard lock(mutex_);
    if (!lent_.empty()) lent_.pop_back();
  }
  if (taken) owes_key_ = false;
  return taken;
}

// One that may be waited for is only slow while something comes out of it.
bool VideoRung::take(const Ref<GstBuffer>& picture, int64_t time_ns, bool may_wait) {
  const bool waited = stage_->waiting() >= kEncoderQueue;
  const auto released = [this] { return released_.load(); };
  bool taken = false, silent = false;
  do {
    const auto longest = may_wait ? until_silent() : std::chrono::nanoseconds(patience_.allowance_ns());
    taken = stage_->push(picture, released, longest);
    silent = until_silent() == std::chrono::nanoseconds::zero();
  } while (may_wait && !taken && !silent && !released_ && !failed_);
  if (!may_wait) note(time_ns, taken, waited);
  if (taken) {
    ++held_;
    taken_ns_ = now_ns();
  }
  if (silent && (!taken || held_ > kMostHeldFrames)) hang();
  return taken;
}

std::chrono::nanoseconds VideoRung::until_silent() const {
  return std::chrono::nanoseconds(std::max<int64_t>(0, heard_ns_ + silence_ns_ - now_ns()));
}

void VideoRung::wait_for_turn() {
  const auto released = [this] { return released_.load(); };
  while (!stage_->wait_for(0, released, until_silent()))
    if (released_ || failed_ || until_silent() == std::chrono::nanoseconds::zero()) return;
}

void VideoRung::note(int64_t time_ns, bool taken, bool waited) {
  const int64_t media_ns =
      std::clamp<int64_t>(time_ns - shown_ns_.value_or(time_ns), 0, ladder::kLongestFillNs);
  shown_ns_ = time_ns;
  if (taken)
    patience_.took(media_ns, now_ns() - taken_ns_, waited);
  else
    patience_.left_out(now_ns() - heard_ns_ > kSilentNs ? 0 : media_ns);
  slow_ = patience_.slow();
  strained_ = patience_.strained();
}

void VideoRung::finish(const std::string& reason) {
  {
    std::lock_guard lock(mutex_);
    reason_ = reason;
  }
  heard_ns_ = now_ns();
  stage_->end();
}

void VideoRung::abort(const std::string& reason) {
  {
    std::lock_guard lock(mutex_);
    if (stopped_.valid()) return;
    std::promise<void> stopped;
    stopped_ = stopped.get_future();
    aborted_ns_ = now_ns();
    std::thread([self = shared_from_this(), stopped = std::move(stopped)]() mutable {
      self->stage_->stop();
      self.reset();
      stopped.set_value();
    }).detach();
  }
  std::lock_guard lock(sink_mutex_);
  if (!std::exchange(cut_off_, true) && !ended_.exchange(true)) sink_.end(name_, reason);
}

bool VideoRung::gone() const {
  std::lock_guard lock(mutex_);
  if (!stopped_.valid() || hung_) return true;
  if (now_ns() - aborted_ns_ > std::chrono::nanoseconds(kStopPatience).count()) return true;
  return stopped_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

void VideoRung::wait_gone() {
  std::unique_lock lock(mutex_);
  if (!stopped_.valid() || hung_) return;
  const auto until = std::chrono::nanoseconds(aborted_ns_) + kStopPatience;
  lock.unlock();  // its last callbacks take it
  stopped_.wait_until(std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(until)));
}

void VideoRung::release() {
  {
    std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  stage_->wake();
}

}  // namespace headgate::abrhlssink

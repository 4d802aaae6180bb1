// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/audio_rung.h"

#include <chrono>
#include <cstdlib>
#include <utility>

#include "ladder/encoders.h"

namespace headgate::abrhlssink {

using gst::Ref;

namespace {

constexpr std::chrono::seconds kDrain{10};
constexpr unsigned kQueue = 64;                // frames
constexpr int64_t kSteadyNs = 10'000'000'000;  // so long without a failure: the next one is the first
constexpr int64_t kNsPerSecond = 1'000'000'000;

int64_t rate_of(GstCaps* caps) {
  int rate = 0;
  gst_structure_get_int(gst_caps_get_structure(caps, 0), "rate", &rate);
  return rate > 0 ? rate : 48'000;
}

// What is between decoder and encoder may have more channels than a low rate is good for.
Ref<GstElement> at_most_stereo() {
  Ref<GstElement> filter;
  if (GstElement* element = gst_element_factory_make("capsfilter", nullptr)) {
    filter = Ref<GstElement>::adopt(GST_ELEMENT(gst_object_ref_sink(element)));
    gst_util_set_object_arg(G_OBJECT(element), "caps", "audio/x-raw, channels = (int) [ 1, 2 ]");
  }
  return filter;
}

}  // namespace

AudioRung::~AudioRung() {
  stop();
}

Result<void> AudioRung::caps(GstCaps* caps) {
  if (caps_ && gst_caps_is_equal(caps_.get(), caps)) return {};
  finish("");
  caps_ = Ref<GstCaps>::retain(caps);
  failures_ = 0;
  return start();
}

// And the maker and the tap that belong to it.
Result<Stage::Setup> AudioRung::setup() {
  auto decoder = make_decoder(caps_.get(), false);
  if (!decoder) return Unexpected(decoder.error());
  auto encoder = make_audio_encoder(rung_.kbps);
  if (!encoder) return Unexpected(encoder.error());
  const int64_t rate = rate_of(caps_.get());
  int64_t delay_ns = encoder->delay * kNsPerSecond / rate;
  Stage::Setup setup;
  setup.name = rung_.name;
  setup.middle.push_back(std::move(decoder).value());
  for (size_t i = 0; i < encoder->elements.size(); ++i) {
    setup.middle.push_back(std::move(encoder->elements[i]));
    if (i == AudioEncoder::kConvert)
      if (Ref<GstElement> filter = at_most_stereo()) setup.middle.push_back(std::move(filter));
    if (i != AudioEncoder::kResample || loudness_ == 0) continue;
    tap_ = std::make_unique<LoudnessTap>(loudness_);
    auto elements = tap_->elements();
    if (!elements) return Unexpected(elements.error());
    for (Ref<GstElement>& element : *elements) setup.middle.push_back(std::move(element));
    delay_ns += LoudnessTap::delay_ns(rate);
  }
  setup.in_caps = caps_;
  setup.out_caps = std::move(encoder->out_caps);
  setup.queue = kQueue;
  maker_ = std::make_unique<UnitMaker>(rung_.name, false, delay_ns);
  return setup;
}

Result<void> AudioRung::start() {
  auto made = setup();
  if (!made) return Unexpected(made.error());
  {
    std::lock_guard lock(mutex_);
    ended_ = failed_ = false;
  }
  const auto fail = [this](const std::string& error) {
    std::lock_guard lock(mutex_);
    if (!std::exchange(failed_, true)) error_ = error;
    changed_.notify_all();
  };
  Stage::Events events;
  events.sample = [this, fail](GstSample* sample) {
    if (auto taken = maker_->take(sample, sink_); !taken) fail(taken.error().message);
  };
  events.ended = [this] {
    std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  };
  events.failed = fail;
  events.thread = on_thread_;
  auto stage = Stage::start(std::move(made).value(), std::move(events));
  if (!stage) return Unexpected(stage.error());
  std::lock_guard lock(mutex_);
  stage_ = std::move(stage).value();
  fresh_ = true;
  return {};
}

// After this there is a stage, or none for now.
Result<void> AudioRung::look(int64_t now_ns) {
  std::string error;
  if (stage_) {
    std::unique_lock lock(mutex_);
    if (!failed_) return {};
    error = error_;
    lock.unlock();
    drop_stage();
    sink_.end(rung_.name, "error");
    if (!fresh_ && std::abs(now_ns - since_ns_) > kSteadyNs) failures_ = 0;
  } else {
    if (failures_ == 0 || failures_ >= kMaxEncoderFailures || std::abs(now_ns - since_ns_) < kSoundRetryNs)
      return {};
    auto started = start();
    if (started) return {};
    error = started.error().message;
  }
  ++failures_;
  since_ns_ = now_ns;
  return Unexpected(error);
}

Result<void> AudioRung::push(const EncodedFrame& frame, bool may_wait) {
  if (auto looked = look(frame.dts_ns); !looked) return looked;
  if (!stage_) return {};
  if (std::exchange(fresh_, false)) since_ns_ = frame.dts_ns;
  Ref<GstBuffer> buffer = Ref<GstBuffer>::adopt(gst_buffer_copy(frame.buffer.get()));
  GST_BUFFER_PTS(buffer.get()) = static_cast<GstClockTime>(frame.pts_ns + kStageEpochNs);
  GST_BUFFER_DTS(buffer.get()) = GST_CLOCK_TIME_NONE;
  stage_->push(std::move(buffer), [this, may_wait] {
    if (!may_wait) return true;
    std::lock_guard lock(mutex_);
    return released_;
  });
  return {};
}

void AudioRung::finish(const char* reason) {
  if (!stage_) return caps_.reset();
  stage_->end();
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kDrain, [this] { return ended_ || failed_ || released_; });
    if (failed_) reason = "error";
  }
  drop_stage();
  caps_.reset();
  sink_.end(rung_.name, reason);
}

// Without the lock while its threads end: they may be about to take it.
void AudioRung::drop_stage() {
  stage_->stop();
  std::lock_guard lock(mutex_);
  stage_.reset();
}

void AudioRung::release() {
  std::shared_ptr<Stage> stage;
  {
    std::lock_guard lock(mutex_);
    released_ = true;
    stage = stage_;
    changed_.notify_all();
  }
  if (stage) stage->wake();
}

void AudioRung::stop() {
  release();
  if (!stage_) return;
  drop_stage();
  sink_.end(rung_.name, "stopped");
}

}  // namespace headgate::abrhlssink

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/stills.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/mapped_buffer.h"

namespace headgate::abrhlssink {

using gst::MappedBuffer;
using gst::Ref;

namespace {

constexpr unsigned kQueue = 2;
constexpr std::chrono::seconds kDrain{5};  // for the last ones to come out
// What JFIF means by YCbCr: BT.601, full range. Without a word to the encoder video's levels would be taken
// for those.
constexpr char kJfif[] = "video/x-raw, format = (string) I420, colorimetry = (string) 1:4:0:0";

Ref<GstElement> make(const char* name) {
  GstElement* const element = gst_element_factory_make(name, nullptr);
  return element ? Ref<GstElement>::adopt(GST_ELEMENT(gst_object_ref_sink(element))) : Ref<GstElement>();
}

// As it is seen, with the longer side kPictureSide or what there is; both even.
GstVideoInfo small(const GstVideoInfo& info) {
  const int64_t width = std::max<int64_t>(
      int64_t{GST_VIDEO_INFO_WIDTH(&info)} * std::max(info.par_n, 1) / std::max(info.par_d, 1), 2);
  const int64_t height = std::max<int64_t>(GST_VIDEO_INFO_HEIGHT(&info), 2);
  const int64_t longer = std::max(width, height), side = std::min<int64_t>(longer, kPictureSide);
  const auto even = [&](int64_t length) {
    return static_cast<uint32_t>(std::max<int64_t>((length * side / longer + 1) / 2 * 2, 2));
  };
  return scaled_info(info, even(width), even(height), info.fps_n, info.fps_d);
}

}  // namespace

Ref<GstElement> Stills::jpegenc() {
  Ref<GstElement> encoder = make("jpegenc");
  if (encoder) g_object_set(encoder.get(), "quality", kPictureQuality, nullptr);
  return encoder;
}

Stills::~Stills() {
  stop();
}

Result<void> Stills::start(const GstVideoInfo& info) {
  from_ = info;
  known_ = true;
  const GstVideoInfo to = small(info);
  auto scaler = Scaler::make(info, to);
  if (!scaler) return Unexpected(scaler.error());
  Ref<GstElement> convert = make("videoconvert"), filter = make("capsfilter"), encoder = make_encoder_();
  if (!convert || !filter || !encoder)
    return Unexpected("videoconvert or jpegenc is not installed: gst-plugins-base, -good");
  const auto jfif = Ref<GstCaps>::adopt(gst_caps_from_string(kJfif));
  g_object_set(filter.get(), "caps", jfif.get(), nullptr);
  Stage::Setup setup;
  setup.name = "stills";
  setup.middle.push_back(std::move(convert));
  setup.middle.push_back(std::move(filter));
  setup.middle.push_back(std::move(encoder));
  setup.in_caps = Ref<GstCaps>::adopt(gst_video_info_to_caps(&to));
  setup.out_caps = Ref<GstCaps>::adopt(gst_caps_new_empty_simple("image/jpeg"));
  setup.queue = kQueue;
  Stage::Events events;
  events.sample = [this](GstSample* sample) { came(sample); };
  events.ended = [this] { over(); };
  events.failed = [this](const std::string& why) { failed(why); };
  events.thread = on_thread_;
  {
    std::lock_guard lock(mutex_);
    ended_ = false;
    failure_.clear();
  }
  told_ = false;
  auto stage = Stage::start(std::move(setup), std::move(events));
  if (!stage) return Unexpected(stage.error());
  scaler_ = std::move(scaler).value();
  stage_ = std::move(stage).value();
  return {};
}

Result<void> Stills::take(GstBuffer* picture, const GstVideoInfo& info, int64_t time_ns) {
  Result<void> before;
  {
    std::lock_guard lock(mutex_);
    if (!failure_.empty()) before = Unexpected(failure_);
  }
  if (!before || !known_ || !gst_video_info_is_equal(&info, &from_)) {
    finish("");
    if (auto started = start(info); !started) return started;
  }
  if (!stage_) return {};
  Result<void> pushed = scale_and_push(picture, time_ns);
  return told_once(before ? std::move(pushed) : std::move(before));
}

Result<void> Stills::told_once(Result<void> result) {
  std::lock_guard lock(mutex_);
  if (result || !std::exchange(has_told_failure_, true)) return result;
  return {};
}

Result<void> Stills::scale_and_push(GstBuffer* picture, int64_t time_ns) {
  auto scaled = scaler_->scale(picture);
  if (!scaled) return Unexpected(scaled.error());
  Ref<GstBuffer> one = Ref<GstBuffer>::adopt(gst_buffer_copy(scaled->get()));
  GST_BUFFER_PTS(one.get()) = static_cast<GstClockTime>(time_ns + kStageEpochNs);
  stage_->push(std::move(one), [] { return true; });
  return {};
}

// On the encoder's thread.
void Stills::came(GstSample* sample) {
  GstBuffer* const buffer = gst_sample_get_buffer(sample);
  if (!buffer) return;
  const int64_t time_ns = Stage::running_ns(sample, GST_BUFFER_PTS(buffer));
  MappedBuffer mapped(Ref<GstBuffer>::retain(buffer));
  if (time_ns == INT64_MIN || mapped.bytes().empty()) return;
  if (!std::exchange(told_, true)) {
    const GstVideoInfo& to = scaler_->to();
    const auto track = codec::mjpeg_track(static_cast<uint32_t>(GST_VIDEO_INFO_WIDTH(&to)),
                                          static_cast<uint32_t>(GST_VIDEO_INFO_HEIGHT(&to)));
    if (!track) return;
    sink_.track(kPictures, *track);
  }
  store::DerivedUnit unit;
  unit.dts_ns = unit.pts_ns = time_ns;
  unit.key = true;
  unit.data = mapped.bytes();
  unit.holder = std::move(mapped).into_holder();
  sink_.unit(kPictures, std::move(unit));
  std::lock_guard lock(mutex_);
  has_told_failure_ = false;
}

// On any thread.
void Stills::failed(const std::string& why) {
  {
    std::lock_guard lock(mutex_);
    failure_ = why;
  }
  over();
}

void Stills::over() {
  std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void Stills::finish(const std::string& reason) {
  known_ = false;
  if (!stage_) return;
  stage_->end();
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kDrain, [this] { return ended_ || released_; });
  }
  stage_->stop();
  stage_.reset();
  {
    std::lock_guard lock(mutex_);
    failure_.clear();
  }
  sink_.end(kPictures, reason);
}

void Stills::release() {
  std::lock_guard lock(mutex_);
  released_ = true;
  changed_.notify_all();
}

void Stills::stop() {
  release();
  finish("stopped");
}

}  // namespace headgate::abrhlssink

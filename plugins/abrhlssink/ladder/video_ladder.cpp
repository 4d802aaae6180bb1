// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/video_ladder.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "common/track_finder.h"

namespace headgate::abrhlssink {

using gst::Ref;

namespace {

// For what is in a decoder or an encoder to come out of it; and where nobody may wait for encoders, while
// more comes.
constexpr std::chrono::seconds kDrain{20}, kLiveDrain{3};
// Encoded frames that wait for the decoder.
constexpr unsigned kDecoderQueue = 4;
// A decoder keeps pictures for each of its threads: one thread decodes 1080p60 in real time.
constexpr int64_t kPixelsPerThread = 1920 * 1088;
constexpr int64_t kMostDecoderThreads = 8;
// Of a shorter piece of the source its bit rate is not taken.
constexpr int64_t kMeasuredNs = 900'000'000;

void limit_threads(GstElement* decoder, GstCaps* caps) {
  if (!g_object_class_find_property(G_OBJECT_GET_CLASS(decoder), "max-threads")) return;
  int width = 0, height = 0;
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  gst_structure_get_int(structure, "width", &width);
  gst_structure_get_int(structure, "height", &height);
  const int64_t pixels = int64_t{width} * height;
  const int64_t threads =
      std::clamp<int64_t>((pixels + kPixelsPerThread - 1) / kPixelsPerThread, 1, kMostDecoderThreads);
  gst_util_set_object_arg(G_OBJECT(decoder), "max-threads", std::to_string(threads).c_str());
}

}  // namespace

VideoLadder::VideoLadder(std::vector<ladder::Rung> rungs, EncoderSettings settings, UnitSink sink, Tell tell,
                         OnThread on_thread)
    : rungs_(std::move(rungs)),
      settings_(std::move(settings)),
      sink_(std::move(sink)),
      tell_(std::move(tell)),
      on_thread_(std::move(on_thread)) {}

VideoLadder::~VideoLadder() {
  stop();
}

std::chrono::seconds VideoLadder::drain_time() const {
  return may_wait_ ? kDrain : kLiveDrain;
}

void VideoLadder::take(Input input) {
  if (auto* caps = std::get_if<Ref<GstCaps>>(&input)) {
    if (caps_ && gst_caps_is_equal(caps_.get(), caps->get())) return;
    feed_early();
    finish_decoder();
    caps_ = std::move(*caps);
    given_up_ = announced_ = false;
    decoder_failures_ = 0;
    read_caps();
  } else if (auto* frame = std::get_if<EncodedFrame>(&input)) {
    if (!finder_) return;
    const bool known = finder_->enough() || rate_is_told_;
    if (!known) finder_->note(frame->dts_ns);
    early_.push_back(std::move(*frame));
    if (known || finder_->enough()) feed_early();
  } else {
    drain(std::holds_alternative<InputEnd>(input) ? kDrain : drain_time());
  }
}

// An encoder that has given what it held back takes no more (x264): the next picture is for another one, and
// rungs begin with a segment. What is only silent is therefore not drained, its session's end is.
void VideoLadder::drain(std::chrono::seconds longest) {
  feed_early();
  finish_decoder();
  finish_rungs("", longest);
  decodes_ = false;
}

void VideoLadder::read_caps() {
  coded_ = {};
  rate_is_told_ = false;
  followed_.reset();
  uint32_t rate_milli = 0;
  gst::TrackFinder caps_say;
  GstVideoInfo info;
  if (is_raw(caps_.get())) {
    coded_.stands = false;
    if (gst_video_info_from_caps(&info, caps_.get())) {
      coded_.width = static_cast<uint32_t>(GST_VIDEO_INFO_WIDTH(&info));
      coded_.height = static_cast<uint32_t>(GST_VIDEO_INFO_HEIGHT(&info));
      if (info.fps_n > 0 && info.fps_d > 0)
        rate_milli = static_cast<uint32_t>(gst_util_uint64_scale(1000, info.fps_n, info.fps_d));
    }
    rate_is_told_ = rate_milli > 0;
  } else if (const auto track = caps_say.caps(caps_.get()); track && *track) {
    coded_.width = (*track)->width;
    coded_.height = (*track)->height;
    coded_.stands = (*track)->codec == codec::Codec::h264;
    rate_milli = (*track)->frame_rate_milli;
  }
  finder_.emplace(rate_milli);
}

// Of what came first; a key frame is the larger part of a short piece, so that this is too much rather.
void VideoLadder::measure_source() {
  const int64_t lasts_ns = early_.back().dts_ns - early_.front().dts_ns;
  if (coded_.kbps != 0 || rate_is_told_ || lasts_ns < kMeasuredNs) return;
  uint64_t bytes = 0;
  for (const EncodedFrame& frame : early_) bytes += gst_buffer_get_size(frame.buffer.get());
  coded_.kbps = static_cast<uint32_t>(bytes * 8 * 1'000'000 / static_cast<uint64_t>(lasts_ns));
}

void VideoLadder::feed_early() {
  if (!early_.empty() && !announced_) measure_source();
  if (!early_.empty()) announce();
  for (EncodedFrame& frame : std::exchange(early_, {})) feed(std::move(frame));
}

void VideoLadder::feed(EncodedFrame frame) {
  if (given_up_ || released_) return;
  if (!anything_wanted()) {
    if (!decoder_) return;
    finish_decoder();
    finish_rungs("stopped", drain_time());
    decodes_ = false;
    return;
  }
  if (decoder_) {
    std::unique_lock lock(mutex_);
    const bool failed = decoder_failed_;
    lock.unlock();
    if (failed) {
      finish_decoder();
      note_decoder_failure();
      if (given_up_) return;
    } else if (frame.boundary && std::exchange(segment_begun_, true)) {
      decoder_failures_ = 0;  // it has been through one
    }
  }
  if (!decoder_) {
    if (!frame.key) return;
    start_decoder();
    if (!decoder_) return;
    segment_begun_ = frame.boundary;
  }
  note_cut(frame);
  // Its memory is shared, its times are not.
  Ref<GstBuffer> buffer = Ref<GstBuffer>::adopt(gst_buffer_copy(frame.buffer.get()));
  GST_BUFFER_PTS(buffer.get()) = static_cast<GstClockTime>(frame.pts_ns + kStageEpochNs);
  GST_BUFFER_DTS(buffer.get()) = static_cast<GstClockTime>(frame.dts_ns + kStageEpochNs);
  if (decoder_->push(std::move(buffer), [this] { return released_.load(); }) || released_) return;
  // It has failed, and says so in a moment: what comes until then has not been through it.
  segment_begun_ = false;
}

void VideoLadder::start_decoder() {
  auto decoder = make_decoder(caps_.get(), true);
  if (decoder) limit_threads(decoder->get(), caps_.get());
  Result<std::unique_ptr<Stage>> stage = Unexpected(decoder ? "" : decoder.error().message);
  if (decoder) {
    {
      std::lock_guard lock(mutex_);
      decoder_ended_ = decoder_failed_ = false;
      cuts_.clear();
    }
    last_cut_ns_.reset();
    rate_ = followed_.value_or(finder_->rate());
    pacer_.emplace(rate_.period_ns());
    watch_.emplace(rate_);
    Stage::Setup setup;
    setup.name = "decode";
    setup.middle = {std::move(decoder).value()};
    if (Ref<GstElement> whole = make_deinterlacer()) setup.middle.push_back(std::move(whole));
    setup.in_caps = caps_;
    setup.out_caps = scalable_caps();
    setup.queue = kDecoderQueue;
    setup.video_meta = true;
    Stage::Events events;
    events.sample = [this](GstSample* sample) { picture(sample); };
    events.ended = [this] {
      std::lock_guard lock(mutex_);
      decoder_ended_ = true;
      changed_.notify_all();
    };
    events.failed = [this](const std::string&) {
      std::lock_guard lock(mutex_);
      decoder_failed_ = decoder_ended_ = true;
      changed_.notify_all();
    };
    events.thread = on_thread_;
    stage = Stage::start(std::move(setup), std::move(events));
  }
  if (!stage) {
    given_up_ = true;
    return tell_({"", "failed", stage.error().message});
  }
  decoder_ = std::move(stage).value();
  decodes_ = true;
}

// Until the last picture has come through; slots are the feeder's then.
void VideoLadder::finish_decoder() {
  if (!decoder_) return;
  decoder_->end();
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kDrain, [this] { return decoder_ended_ || released_; });
  }
  decoder_->stop();
  decoder_.reset();
}

// There is none now: slots are the feeder's.
void VideoLadder::note_decoder_failure() {
  given_up_ = ++decoder_failures_ >= kMaxDecoderFailures;
  if (!given_up_) return tell_({"", "failed", "the decoder failed and is started again"});
  tell_({"", "failed",
         "the decoder has failed " + std::to_string(decoder_failures_) +
             " times in a row and is not started again"});
  for (Slot& slot : slots_) {
    if (!slot.rung) continue;
    leave(slot, slot.rung->failed() ? nullptr : "stopped");
    tell(slot, "failed", "the source cannot be decoded");
  }
  finish_rungs("stopped", drain_time());
  decodes_ = false;
}

void VideoLadder::note_cut(const EncodedFrame& frame) {
  const bool soon = last_cut_ns_ && std::abs(frame.pts_ns - *last_cut_ns_) < kShortestGopNs;
  if (!frame.boundary && (!frame.key || soon)) return;
  last_cut_ns_ = frame.pts_ns;
  std::lock_guard lock(mutex_);
  cuts_.push_back({frame.pts_ns, {true, frame.boundary}});
}

VideoLadder::Cut VideoLadder::cut_at(int64_t time_ns) {
  std::lock_guard lock(mutex_);
  Cut cut;
  // A frame that the decoder left out leaves its own to the next one.
  while (!cuts_.empty() && cuts_.front().first <= time_ns) {
    cut = {true, cut.segment || cuts_.front().second.segment};
    cuts_.pop_front();
  }
  return cut;
}

void VideoLadder::picture(GstSample* sample) {
  GstBuffer* const buffer = gst_sample_get_buffer(sample);
  GstVideoInfo info;
  if (!buffer || !gst_video_info_from_caps(&info, gst_sample_get_caps(sample))) return;
  const int64_t time_ns = Stage::running_ns(sample, GST_BUFFER_PTS(buffer));
  if (time_ns == INT64_MIN || released_) return;
  ++pictures_;
  watch_->note(time_ns);
  const Cut cut = cut_at(time_ns);
  if (cut.segment) follow_rate();
  info.fps_n = static_cast<int>(rate_.over);
  info.fps_d = static_cast<int>(rate_.under);
  if (!planned_ || !gst_video_info_is_equal(&info, &info_)) replan(info);
  const ladder::Pacer::Step step = pacer_->next(time_ns, cut.key);
  for (const int64_t at : step.repeats) repeat(at);
  if (!step.use) return;
  reconcile(cut.segment);
  show(buffer, time_ns, cut);
}

// The source has had another frame rate for a while: encoders of that rate go on from here.
void VideoLadder::follow_rate() {
  const auto rate = watch_->other();
  if (!rate) return;
  watch_->follow(*rate);
  rate_ = *rate;
  followed_ = rate_;
  pacer_.emplace(rate_.period_ns());
  if (!planned_) return;
  finish_rungs("", drain_time());
  info_.fps_n = static_cast<int>(rate_.over);
  info_.fps_d = static_cast<int>(rate_.under);
}

void VideoLadder::show(GstBuffer* picture, int64_t time_ns, Cut cut) {
  GstBuffer* smallest = picture;
  const GstVideoInfo* of_smallest = &info_;
  for (Slot& slot : slots_) {
    if (!slot.rung || !slot.scaler) continue;
    if (may_wait_) slot.rung->wait_for_turn();
    GstBuffer* const from = slot.larger ? slot.larger->last.get() : picture;
    auto scaled = from ? slot.scaler->scale(from) : Unexpected("no picture to scale");
    if (!scaled) {
      slot.last.reset();
      continue;
    }
    slot.last = std::move(scaled).value();
    smallest = slot.last.get();
    of_smallest = &slot.scaler->to();
    slot.rung->push(smallest, time_ns, cut.key, may_wait_);
  }
  if (cut.segment && stills_) take_still(smallest, *of_smallest, time_ns);
}

void VideoLadder::take_still(GstBuffer* picture, const GstVideoInfo& info, int64_t time_ns) {
  if (auto taken = stills_->take(picture, info, time_ns); !taken)
    tell_({kPictures, "failed", taken.error().message});
}

void VideoLadder::repeat(int64_t time_ns) {
  for (Slot& slot : slots_)
    if (slot.rung && slot.last) slot.rung->push(slot.last.get(), time_ns, false, may_wait_);
}

}  // namespace headgate::abrhlssink

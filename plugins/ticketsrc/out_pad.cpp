// SPDX-License-Identifier: LGPL-2.1-or-later
#include "out_pad.h"

#include <algorithm>

#include "common/codec_caps.h"

namespace headgate::ticketsrc {
namespace {

GstCaps* unix_time_caps() {
  static GstStaticCaps caps = GST_STATIC_CAPS("timestamp/x-unix");
  return gst_static_caps_get(&caps);
}

}  // namespace

OutPad::OutPad(GstPadTemplate* templ, TrackId track) : track_(track) {
  pad_ = gst_pad_new_from_template(templ, track == kVideoTrack ? "video_0" : "audio_0");
  gst_pad_use_fixed_caps(pad_);
}

void OutPad::set_config(const codec::Track& config) {
  config_ = config;
  caps_ = gst::caps_of(config);
  samples_.reset();
  if (track_ == kAudioTrack && config.timescale > 0 && config.frame_samples > 0)
    samples_.emplace(config.timescale, config.frame_samples);
}

void OutPad::begin(const Begin& begin, const codec::Track* config) {
  if (begun_) gap_until(begin.base > base_ ? begin.base - base_ : 0);
  if (config) set_config(*config);
  const std::string id = begin.stream_id + (track_ == kVideoTrack ? "/video" : "/audio");
  GstEvent* start = gst_event_new_stream_start(id.c_str());
  gst_event_set_group_id(start, begin.group);
  push_event(start);
  push_event(gst_event_new_caps(caps_.get()));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.base = begin.base;
  push_event(gst_event_new_segment(&segment));
  push_event(gst_event_ref(begin.session));
  base_ = begin.base;
  end_ = 0;
  begun_ = discont_ = true;
  if (samples_) samples_.emplace(config_.timescale, config_.frame_samples);
}

void OutPad::configure(const codec::Track& config) {
  if (config == config_) return;
  push();
  set_config(config);
  push_event(gst_event_new_caps(caps_.get()));
  discont_ = true;
}

void OutPad::put(Item&& item, const timeline::Stamp& stamp) {
  int64_t dts = stamp.dts_ns;
  GstBuffer* buffer = gst_buffer_new();
  gst_buffer_append_memory(buffer, item.memory.release());
  if (samples_) {
    const auto time = samples_->next(stamp.dts_ns);
    dts = time.dts_ns;
    discont_ |= time.anchored;
    GST_BUFFER_DURATION(buffer) = samples_->frame_ns();
  }
  discont_ |= item.after_loss;
  discont_ |= stamp.repair == timeline::Repair::backward || stamp.repair == timeline::Repair::forward;
  const int64_t pts = dts + item.composition_ns;
  GST_BUFFER_DTS(buffer) = dts;
  GST_BUFFER_PTS(buffer) = pts;
  if (!item.key) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (std::exchange(discont_, false)) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  if (item.key && track_ == kVideoTrack) {
    const auto caps = gst::Ref<GstCaps>::adopt(unix_time_caps());
    gst_buffer_add_reference_timestamp_meta(buffer, caps.get(), item.utc_us * GST_USECOND,
                                            GST_CLOCK_TIME_NONE);
  }
  const GstClockTime duration = GST_BUFFER_DURATION_IS_VALID(buffer) ? GST_BUFFER_DURATION(buffer) : 0;
  end_ =
      std::max(end_, static_cast<GstClockTime>(dts) + duration);  // not PTS, which one sender may lie about
  if (!list_) list_ = gst::Ref<GstBufferList>::adopt(gst_buffer_list_new());
  gst_buffer_list_add(list_.get(), buffer);
}

void OutPad::push() {
  if (list_) flow_ = gst_pad_push_list(pad_, list_.release());
}

void OutPad::gap_until(GstClockTime time) {
  if (time <= end_) return;
  push_event(gst_event_new_gap(end_, time - end_));
  end_ = time;
}

}  // namespace headgate::ticketsrc

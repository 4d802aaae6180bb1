// SPDX-License-Identifier: LGPL-2.1-or-later
#include "out_pad.h"

#include <gst/pbutils/codec-utils.h>

#include <algorithm>

namespace headgate::ticketsrc {
namespace {

// AVCDecoderConfigurationRecord: SPS length at 6, its bytes from 8, profile_idc behind the NAL header
// (ISO/IEC 14496-15, 5.3.3.1). codec::track_from_avcc() has checked the record.
constexpr size_t kSpsAt = 8;

gst::Ref<GstBuffer> buffer_of(Bytes bytes) {
  return gst::Ref<GstBuffer>::adopt(gst_buffer_new_memdup(bytes.data(), bytes.size()));
}

GstCaps* unix_time_caps() {
  static GstStaticCaps caps = GST_STATIC_CAPS("timestamp/x-unix");
  return gst_static_caps_get(&caps);
}

}  // namespace

gst::Ref<GstCaps> caps_of(const codec::Track& track) {
  const auto codec_data = buffer_of(track.config);
  const auto* config = reinterpret_cast<const guint8*>(track.config.data());
  if (track.kind == codec::Kind::video) {
    auto caps = gst::Ref<GstCaps>::adopt(gst_caps_new_simple(
        "video/x-h264", "stream-format", G_TYPE_STRING, "avc", "alignment", G_TYPE_STRING, "au", "width",
        G_TYPE_INT, static_cast<int>(track.width), "height", G_TYPE_INT, static_cast<int>(track.height),
        "codec_data", GST_TYPE_BUFFER, codec_data.get(), nullptr));
    if (track.config.size() > kSpsAt + 4)
      gst_codec_utils_h264_caps_set_level_and_profile(caps.get(), config + kSpsAt + 1,
                                                      static_cast<guint>(track.config.size() - kSpsAt - 1));
    return caps;
  }
  auto caps = gst::Ref<GstCaps>::adopt(gst_caps_new_simple(
      "audio/mpeg", "mpegversion", G_TYPE_INT, 4, "stream-format", G_TYPE_STRING, "raw", "framed",
      G_TYPE_BOOLEAN, TRUE, "rate", G_TYPE_INT, static_cast<int>(track.sample_rate), "channels", G_TYPE_INT,
      static_cast<int>(track.channels), "codec_data", GST_TYPE_BUFFER, codec_data.get(), nullptr));
  gst_codec_utils_aac_caps_set_level_and_profile(caps.get(), config, static_cast<guint>(track.config.size()));
  return caps;
}

OutPad::OutPad(GstPadTemplate* templ, TrackId track) : track_(track) {
  pad_ = gst_pad_new_from_template(templ, track == kVideoTrack ? "video_0" : "audio_0");
  gst_pad_use_fixed_caps(pad_);
}

void OutPad::set_config(const codec::Track& config) {
  config_ = config;
  caps_ = caps_of(config);
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

timeline::Stamp OutPad::put(Item&& item, timeline::SessionTimeline& timeline) {
  if (item.config) {
    if (*item.config == config_) return {};
    push();
    set_config(*item.config);
    push_event(gst_event_new_caps(caps_.get()));
    discont_ = true;
    return {};
  }
  const timeline::Stamp stamp = timeline.stamp(track_, item.sender_ns, item.arrival_us);
  int64_t dts = stamp.dts_ns;
  GstBuffer* buffer = gst_buffer_new();
  gst_buffer_append_memory(buffer, item.memory.release());
  if (samples_) {
    const auto time = samples_->next(stamp.dts_ns);
    dts = time.dts_ns;
    discont_ |= time.anchored;
    GST_BUFFER_DURATION(buffer) = samples_->frame_ns();
  }
  discont_ |= stamp.repair == timeline::Repair::backward || stamp.repair == timeline::Repair::forward;
  const int64_t pts = std::max<int64_t>(0, dts + item.composition_ns);
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
  end_ = std::max(end_, static_cast<GstClockTime>(std::max(dts, pts)) + duration);
  if (!list_) list_ = gst::Ref<GstBufferList>::adopt(gst_buffer_list_new());
  gst_buffer_list_add(list_.get(), buffer);
  return stamp;
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

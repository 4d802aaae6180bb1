// SPDX-License-Identifier: LGPL-2.1-or-later
#include "raw_input.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <base/clock.h>
#include <gst/video/video.h>

#include "common/trampoline.h"

GST_DEBUG_CATEGORY_EXTERN(abr_hls_sink_debug);
#define GST_CAT_DEFAULT abr_hls_sink_debug

namespace headgate::abrhlssink {

using gst::Ref;
using gst::trampoline;

namespace {

constexpr char kVideoPad[] = "raw_video", kAudioPad[] = "raw_audio";

GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE(kVideoPad, GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS("video/x-raw"));
GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE(kAudioPad, GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS("audio/x-raw"));

}  // namespace

struct RawInput::Pad {
  RawInput* owner = nullptr;
  Ref<GstPad> pad;
  codec::Kind kind = codec::Kind::video;
  GstSegment segment{};  // streaming thread
  bool ended = false;    // RawInput::mutex_
};

RawInput::RawInput(GstElement* element, OnRecords on_records, std::function<void()> on_eos)
    : element_(element), on_records_(std::move(on_records)), on_eos_(std::move(on_eos)) {}

RawInput::~RawInput() = default;

void RawInput::add_templates(GstElementClass* klass) {
  gst_element_class_add_static_pad_template(klass, &video_template);
  gst_element_class_add_static_pad_template(klass, &audio_template);
}

bool RawInput::is_template(GstPadTemplate* templ) {
  const char* const name = GST_PAD_TEMPLATE_NAME_TEMPLATE(templ);
  return std::strcmp(name, kVideoPad) == 0 || std::strcmp(name, kAudioPad) == 0;
}

GstPad* RawInput::request_pad(GstPadTemplate* templ) {
  const char* const name = GST_PAD_TEMPLATE_NAME_TEMPLATE(templ);
  auto owned = std::make_unique<Pad>();
  Pad* const pad = owned.get();
  pad->owner = this;
  pad->kind = std::strcmp(name, kVideoPad) == 0 ? codec::Kind::video : codec::Kind::audio;
  gst_segment_init(&pad->segment, GST_FORMAT_UNDEFINED);
  pad->pad = Ref<GstPad>::adopt(GST_PAD_CAST(gst_object_ref_sink(gst_pad_new_from_template(templ, name))));
  GstPad* const gst_pad = pad->pad.get();
  gst_pad_set_element_private(gst_pad, pad);
  gst_pad_set_chain_function(gst_pad, (trampoline<&RawInput::on_chain, GST_FLOW_ERROR>));
  gst_pad_set_event_function(gst_pad, (trampoline<&RawInput::on_event, FALSE>));
  gst_pad_set_query_function(gst_pad, (trampoline<&RawInput::on_query, FALSE>));
  {
    std::lock_guard lock(mutex_);
    if (started_) {
      GST_WARNING_OBJECT(element_, "pad %s comes too late: what is the clock has been chosen", name);
      return nullptr;
    }
    if (std::any_of(pads_.begin(), pads_.end(),
                    [pad](const auto& other) { return other->kind == pad->kind; })) {
      GST_WARNING_OBJECT(element_, "pad %s is there already", name);
      return nullptr;
    }
    pads_.push_back(std::move(owned));
  }
  if (GST_STATE(element_) >= GST_STATE_PAUSED || GST_STATE_NEXT(element_) >= GST_STATE_PAUSED)
    gst_pad_set_active(gst_pad, TRUE);
  gst_element_add_pad(element_, gst_pad);
  return gst_pad;
}

bool RawInput::release_pad(GstPad* gst_pad) {
  std::unique_ptr<Pad> pad;  // until its streaming thread has ended and it is removed
  {
    std::lock_guard lock(mutex_);
    const auto found = std::find_if(pads_.begin(), pads_.end(),
                                    [gst_pad](const auto& other) { return other->pad.get() == gst_pad; });
    if (found == pads_.end()) return false;
    pad = std::move(*found);
    pads_.erase(found);
  }
  gst_pad_set_active(gst_pad, FALSE);
  gst_element_remove_pad(element_, gst_pad);
  if (!ladder_ || pad->ended) return true;
  end_kind(pad->kind);
  bool last = false;
  {
    std::lock_guard lock(mutex_);
    last = !pads_.empty() &&
           std::all_of(pads_.begin(), pads_.end(), [](const auto& other) { return other->ended; });
  }
  if (last) on_eos_();
  return true;
}

bool RawInput::has_pads() const {
  std::lock_guard lock(mutex_);
  return !pads_.empty();
}

bool RawInput::has_pad(codec::Kind kind) const {
  std::lock_guard lock(mutex_);
  return std::any_of(pads_.begin(), pads_.end(), [kind](const auto& pad) { return pad->kind == kind; });
}

std::vector<Ref<GstPad>> RawInput::pads() const {
  std::lock_guard lock(mutex_);
  std::vector<Ref<GstPad>> result;
  for (const auto& pad : pads_) result.push_back(pad->pad);
  return result;
}

void RawInput::start(Ladder* ladder, const fmp4::PackagerSettings& packager) {
  ladder_ = ladder;
  clock_.emplace(packager);
  live_ = false;
  std::lock_guard lock(mutex_);
  started_ = true;
  // The pictures, or sound that is alone.
  clock_kind_ = codec::Kind::audio;
  for (const auto& pad : pads_) {
    pad->ended = false;
    if (pad->kind == codec::Kind::video) clock_kind_ = codec::Kind::video;
  }
}

void RawInput::stop() {
  ladder_ = nullptr;
  clock_.reset();
  std::lock_guard lock(mutex_);
  started_ = false;
  for (const auto& pad : pads_) gst_segment_init(&pad->segment, GST_FORMAT_UNDEFINED);
}

GstFlowReturn RawInput::on_chain(GstPad* gst_pad, GstObject*, GstBuffer* buffer) {
  const Ref<GstBuffer> owned = Ref<GstBuffer>::adopt(buffer);
  auto& pad = *static_cast<Pad*>(gst_pad_get_element_private(gst_pad));
  return pad.owner->take(pad, buffer);
}

GstFlowReturn RawInput::take(Pad& pad, GstBuffer* buffer) {
  if (!ladder_) return GST_FLOW_FLUSHING;
  guint64 running = 0;
  const GstClockTime pts = GST_BUFFER_PTS(buffer);
  if (!GST_CLOCK_TIME_IS_VALID(pts) || pad.segment.format != GST_FORMAT_TIME) return GST_FLOW_OK;
  const int sign = gst_segment_to_running_time_full(&pad.segment, GST_FORMAT_TIME, pts, &running);
  if (sign == 0) return GST_FLOW_OK;
  const int64_t time_ns = sign < 0 ? -static_cast<int64_t>(running) : static_cast<int64_t>(running);
  bool key = false;
  if (pad.kind == clock_kind_) {
    const GstClockTime duration = GST_BUFFER_DURATION(buffer);
    const RawClock::Step step =
        clock_->next(time_ns, GST_CLOCK_TIME_IS_VALID(duration) ? static_cast<int64_t>(duration) : 0,
                     system_clock().utc_us(), live_);
    if (!step.usable) return GST_FLOW_OK;
    key = step.key;
    tell(step);
  }
  ladder_->frame(pad.kind, buffer, time_ns, time_ns, key, live_);
  return GST_FLOW_OK;
}

void RawInput::tell(const RawClock::Step& step) {
  if (!step.time) return tell_records(step.records);
  tell_records({step.records.front()});
  ladder_->renditions().source_time(*step.time);
}

void RawInput::tell_records(const std::vector<playlist::Record>& records) {
  if (records.empty()) return;
  on_records_(records);
  ladder_->renditions().source_records(records);
}

gboolean RawInput::on_event(GstPad* gst_pad, GstObject* parent, GstEvent* event) {
  auto& pad = *static_cast<Pad*>(gst_pad_get_element_private(gst_pad));
  if (pad.owner->ladder_) pad.owner->handle_event(pad, event);
  // The bin's EOS is the element's message, which follows once everything is written.
  if (GST_EVENT_TYPE(event) != GST_EVENT_EOS) return gst_pad_event_default(gst_pad, parent, event);
  gst_event_unref(event);
  return TRUE;
}

void RawInput::handle_event(Pad& pad, GstEvent* event) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event, &caps);
      // A source that does not answer is taken as live: then nothing waits.
      const Ref<GstQuery> query = Ref<GstQuery>::adopt(gst_query_new_latency());
      gboolean live = TRUE;
      if (gst_pad_peer_query(pad.pad.get(), query.get()))
        gst_query_parse_latency(query.get(), &live, nullptr, nullptr);
      if (live) live_ = true;
      return ladder_->caps(pad.kind, caps);
    }
    case GST_EVENT_SEGMENT:
      return gst_event_copy_segment(event, &pad.segment);
    case GST_EVENT_FLUSH_STOP:
      gst_segment_init(&pad.segment, GST_FORMAT_UNDEFINED);
      ladder_->flush(pad.kind);
      if (pad.kind == clock_kind_) tell_records(clock_->end());
      return;
    case GST_EVENT_EOS:
      return end(pad);
    default:
      return;
  }
}

void RawInput::end_kind(codec::Kind kind) {
  ladder_->end(kind);
  if (kind == clock_kind_) tell_records(clock_->end());
}

void RawInput::end(Pad& pad) {
  end_kind(pad.kind);
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(pad.ended, true)) return;
    if (!std::all_of(pads_.begin(), pads_.end(), [](const auto& other) { return other->ended; })) return;
  }
  on_eos_();
}

gboolean RawInput::on_query(GstPad* gst_pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION) return gst_pad_query_default(gst_pad, parent, query);
  // Padded pictures are taken as they are.
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  return TRUE;
}

bool RawInput::query_latency(GstQuery* query) const {
  for (const auto& pad : pads())
    if (gst_pad_peer_query(pad.get(), query)) return true;
  return false;
}

bool RawInput::send_upstream(GstEvent* event) const {
  const Ref<GstEvent> owned = Ref<GstEvent>::adopt(event);
  bool sent = false;
  for (const auto& pad : pads()) sent |= gst_pad_push_event(pad.get(), gst_event_ref(event)) == TRUE;
  return sent;
}

}  // namespace headgate::abrhlssink

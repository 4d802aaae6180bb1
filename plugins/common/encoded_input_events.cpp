// SPDX-License-Identifier: LGPL-2.1-or-later
// The half of EncodedInput that takes what comes down its pads: buffers, events, caps.
#include <base/clock.h>

#include "encoded_input_pad.h"
#include "mapped_buffer.h"
#include "session_info.h"
#include "settings.h"

GST_DEBUG_CATEGORY_EXTERN(encoded_input_debug);
#define GST_CAT_DEFAULT encoded_input_debug

namespace headgate::gst {
namespace {

// A pad's receipt time: the source's, where it says so; else now.
int64_t receipt_utc_us(GstBuffer* buffer) {
  static GstStaticCaps unix_caps = GST_STATIC_CAPS("timestamp/x-unix");
  const Ref<GstCaps> caps = Ref<GstCaps>::adopt(gst_static_caps_get(&unix_caps));
  const auto* meta = gst_buffer_get_reference_timestamp_meta(buffer, caps.get());
  return meta ? static_cast<int64_t>(meta->timestamp / GST_USECOND) : system_clock().utc_us();
}

int64_t running_time(const GstSegment& segment, GstClockTime time) {
  guint64 running = 0;
  const int sign = gst_segment_to_running_time_full(&segment, GST_FORMAT_TIME, time, &running);
  return sign < 0 ? -static_cast<int64_t>(running) : static_cast<int64_t>(running);
}

}  // namespace

GstFlowReturn EncodedInput::on_chain(GstPad* gst_pad, GstObject*, GstBuffer* buffer) {
  auto& pad = *static_cast<Pad*>(gst_pad_get_element_private(gst_pad));
  return pad.owner->take(pad, Ref<GstBuffer>::adopt(buffer));
}

GstFlowReturn EncodedInput::on_chain_list(GstPad* gst_pad, GstObject*, GstBufferList* list) {
  auto& pad = *static_cast<Pad*>(gst_pad_get_element_private(gst_pad));
  const Ref<GstBufferList> owned = Ref<GstBufferList>::adopt(list);
  EncodedInput& self = *pad.owner;
  for (guint i = 0; i < gst_buffer_list_length(list); ++i) self.show(pad, gst_buffer_list_get(list, i));
  bool failed = false;
  {
    std::unique_lock lock(self.mutex_);
    for (guint i = 0; i < gst_buffer_list_length(list); ++i) {
      if (pad.flushing) return GST_FLOW_FLUSHING;
      if (!pad.track) return GST_FLOW_FLUSHING;  // stopping
      self.push_unit(pad, Ref<GstBuffer>::retain(gst_buffer_list_get(list, i)));
    }
    self.moved_.notify_all();
    self.hold_back(pad, lock);
    failed = self.recorder_ && self.recorder_->failed();
  }
  const bool told = self.after_input();
  return failed && told ? GST_FLOW_ERROR : GST_FLOW_OK;  // the element has posted why
}

// To the tap.
void EncodedInput::show(Pad& pad, GstBuffer* buffer) {
  if (!tap_ || pad.segment.format != GST_FORMAT_TIME) return;
  const GstClockTime pts = GST_BUFFER_PTS(buffer), dts = GST_BUFFER_DTS(buffer);
  if (!GST_CLOCK_TIME_IS_VALID(pts) && !GST_CLOCK_TIME_IS_VALID(dts)) return;
  tap_->frame(pad.kind, buffer, running_time(pad.segment, GST_CLOCK_TIME_IS_VALID(dts) ? dts : pts),
              running_time(pad.segment, GST_CLOCK_TIME_IS_VALID(pts) ? pts : dts),
              !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT), live_);
}

GstFlowReturn EncodedInput::take(Pad& pad, Ref<GstBuffer> buffer) {
  show(pad, buffer.get());
  bool failed = false;
  {
    std::unique_lock lock(mutex_);
    if (pad.flushing) return GST_FLOW_FLUSHING;
    if (!pad.track) return GST_FLOW_FLUSHING;  // stopping
    push_unit(pad, std::move(buffer));
    moved_.notify_all();
    hold_back(pad, lock);
    failed = recorder_ && recorder_->failed();
  }
  const bool told = after_input();
  return failed && told ? GST_FLOW_ERROR : GST_FLOW_OK;  // the element has posted why
}

void EncodedInput::push_unit(Pad& pad, Ref<GstBuffer> buffer) {
  const GstClockTime pts = GST_BUFFER_PTS(buffer.get()), dts = GST_BUFFER_DTS(buffer.get());
  if ((!GST_CLOCK_TIME_IS_VALID(pts) && !GST_CLOCK_TIME_IS_VALID(dts)) ||
      pad.segment.format != GST_FORMAT_TIME) {
    GST_WARNING_OBJECT(pad.pad.get(),
                       "buffer without a timestamp dropped; a parser before this pad adds them");
    return;
  }
  Unit unit;
  unit.dts_ns = running_time(pad.segment, GST_CLOCK_TIME_IS_VALID(dts) ? dts : pts);
  unit.pts_ns = running_time(pad.segment, GST_CLOCK_TIME_IS_VALID(pts) ? pts : dts);
  unit.key = !GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  unit.utc_us = receipt_utc_us(buffer.get());
  MappedBuffer mapped(std::move(buffer));
  if (mapped.bytes().empty()) return;  // nothing in it, or not readable
  if (!recorded_.is(pad.kind)) return recorder_->advance(pad.track, unit.dts_ns);
  if (auto track = pad.finder.look(mapped.bytes())) recorder_->configure(pad.track, std::move(*track));
  if (!pad.finder.usable(mapped.bytes())) return;
  unit.data = mapped.bytes();
  unit.holder = std::move(mapped).into_holder();
  recorder_->push(pad.track, std::move(unit));
}

gboolean EncodedInput::on_event(GstPad* gst_pad, GstObject*, GstEvent* event) {
  auto& pad = *static_cast<Pad*>(gst_pad_get_element_private(gst_pad));
  const bool ok = pad.owner->handle_event(pad, Ref<GstEvent>::adopt(event));
  pad.owner->after_input();
  return ok;
}

bool EncodedInput::handle_event(Pad& pad, Ref<GstEvent> event) {
  GST_LOG_OBJECT(pad.pad.get(), "%" GST_PTR_FORMAT, static_cast<void*>(event.get()));
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_FLUSH_START:
      set_flushing(pad, true);
      return true;
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event.get(), &caps);
      ask_if_live(pad.pad.get());
      if (!handle_caps(pad, caps)) return false;
      if (tap_) tap_->caps(pad.kind, caps);
      return true;
    }
    case GST_EVENT_EOS:
      if (tap_) tap_->end(pad.kind);
      break;
    case GST_EVENT_FLUSH_STOP:
      if (tap_) tap_->flush(pad.kind);
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
      if (tap_ && gst_event_has_name(event.get(), kSessionName))
        tap_->session(pad.kind, run_info_of(gst_event_get_structure(event.get())));
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (tap_ && gst_event_has_name(event.get(), kUplinkName))
        tap_->uplink(pad.kind, string_field(gst_event_get_structure(event.get()), "state") == "late");
      if (tap_ && gst_event_has_name(event.get(), kSessionEndName)) tap_->session_end(pad.kind);
      break;
    default:
      break;
  }
  std::lock_guard lock(mutex_);
  if (!pad.track) return false;
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_FLUSH_STOP:
      pad.flushing = false;
      gst_segment_init(&pad.segment, GST_FORMAT_UNDEFINED);
      recorder_->flush(pad.track);
      eos_told_ = false;
      break;
    case GST_EVENT_SEGMENT: {
      const GstSegment* segment = nullptr;
      gst_event_parse_segment(event.get(), &segment);
      if (segment->format != GST_FORMAT_TIME) {
        GST_ERROR_OBJECT(pad.pad.get(), "needs a segment in time, not in %s",
                         gst_format_get_name(segment->format));
        return false;
      }
      gst_segment_copy_into(segment, &pad.segment);
      break;
    }
    case GST_EVENT_GAP: {
      GstClockTime timestamp = 0, duration = 0;
      gst_event_parse_gap(event.get(), &timestamp, &duration);
      const int64_t length = GST_CLOCK_TIME_IS_VALID(duration) ? static_cast<int64_t>(duration) : 0;
      recorder_->advance(pad.track, running_time(pad.segment, timestamp) + length);
      break;
    }
    case GST_EVENT_EOS:
      recorder_->eos(pad.track);
      break;
    case GST_EVENT_STREAM_START:
      eos_told_ = false;
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
      if (gst_event_has_name(event.get(), kSessionName))
        recorder_->session(pad.track, gst_event_get_seqnum(event.get()),
                           run_info_of(gst_event_get_structure(event.get())));
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (gst_event_has_name(event.get(), kSessionEndName))
        recorder_->session_end(pad.track, string_field(gst_event_get_structure(event.get()), "reason"));
      if (gst_event_has_name(event.get(), kTimestampsName))
        recorder_->repaired(pad.track, clock_repair_of(gst_event_get_structure(event.get())));
      if (gst_event_has_name(event.get(), kSilenceName)) recorder_->silent();
      break;
    default:
      break;
  }
  moved_.notify_all();
  return true;
}

bool EncodedInput::handle_caps(Pad& pad, GstCaps* caps) {
  auto track = pad.finder.caps(caps);
  if (!track) {
    GST_ERROR_OBJECT(pad.pad.get(), "%s: %" GST_PTR_FORMAT, track.error().message.c_str(),
                     static_cast<void*>(caps));
    return false;
  }
  std::lock_guard lock(mutex_);
  if (!pad.track) return false;
  if (*track) recorder_->configure(pad.track, **std::move(track));
  return true;
}

// Asked from the streaming thread, where nothing is locked. A source that does not answer is taken as live:
// then nothing waits.
void EncodedInput::ask_if_live(GstPad* pad) {
  const Ref<GstQuery> query = Ref<GstQuery>::adopt(gst_query_new_latency());
  gboolean live = TRUE;
  if (gst_pad_peer_query(pad, query.get())) gst_query_parse_latency(query.get(), &live, nullptr, nullptr);
  std::lock_guard lock(mutex_);
  if (live) live_ = true;
}

}  // namespace headgate::gst

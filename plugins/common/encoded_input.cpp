// SPDX-License-Identifier: LGPL-2.1-or-later
#include "encoded_input.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include <base/clock.h>

#include "codec_caps.h"
#include "mapped_buffer.h"
#include "session_info.h"
#include "settings.h"
#include "track_finder.h"
#include "trampoline.h"

GST_DEBUG_CATEGORY_STATIC(encoded_input_debug);
#define GST_CAT_DEFAULT encoded_input_debug

namespace headgate::gst {

struct EncodedInput::Pad {
  EncodedInput* owner = nullptr;
  Ref<GstPad> pad;
  codec::Kind kind = codec::Kind::video;
  Recorder::Track* track = nullptr;  // while a recorder exists
  GstSegment segment{};
  TrackFinder finder;  // streaming thread
  bool flushing = false;
};

namespace {

// A pad's receipt time: the source's, where it says so; else now.
int64_t receipt_utc_us(GstBuffer* buffer) {
  static GstStaticCaps unix_caps = GST_STATIC_CAPS("timestamp/x-unix");
  const Ref<GstCaps> caps = Ref<GstCaps>::adopt(gst_static_caps_get(&unix_caps));
  const auto* meta = gst_buffer_get_reference_timestamp_meta(buffer, caps.get());
  return meta ? static_cast<int64_t>(meta->timestamp / GST_USECOND) : system_clock().utc_us();
}

// For a thread that does not keep the element alive.
class WeakElement {
 public:
  explicit WeakElement(GstElement* element) { g_weak_ref_init(&ref_, element); }
  ~WeakElement() { g_weak_ref_clear(&ref_); }
  WeakElement(const WeakElement&) = delete;
  WeakElement& operator=(const WeakElement&) = delete;
  Ref<GstElement> get() { return Ref<GstElement>::adopt(static_cast<GstElement*>(g_weak_ref_get(&ref_))); }

 private:
  GWeakRef ref_{};
};

int64_t running_time(const GstSegment& segment, GstClockTime time) {
  guint64 running = 0;
  const int sign = gst_segment_to_running_time_full(&segment, GST_FORMAT_TIME, time, &running);
  return sign < 0 ? -static_cast<int64_t>(running) : static_cast<int64_t>(running);
}

}  // namespace

EncodedInput::EncodedInput(GstElement* element, Deliver deliver, std::function<void()> on_eos)
    : element_(element), deliver_(std::move(deliver)), on_eos_(std::move(on_eos)) {
  static std::once_flag once;
  std::call_once(once, [] {
    GST_DEBUG_CATEGORY_INIT(encoded_input_debug, "headgateinput", 0, "encoded pads of Headgate's elements");
  });
}

EncodedInput::~EncodedInput() = default;

void EncodedInput::add_templates(GstElementClass* klass) {
  const Ref<GstCaps> video = Ref<GstCaps>::adopt(gst_caps_from_string(kVideoCaps));
  const Ref<GstCaps> audio = Ref<GstCaps>::adopt(gst_caps_from_string(kAudioCaps));
  gst_element_class_add_pad_template(
      klass, gst_pad_template_new("video", GST_PAD_SINK, GST_PAD_REQUEST, video.get()));
  gst_element_class_add_pad_template(
      klass, gst_pad_template_new("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST, audio.get()));
}

GstPad* EncodedInput::request_pad(GstPadTemplate* templ, const char* name) {
  const bool video = std::strcmp(GST_PAD_TEMPLATE_NAME_TEMPLATE(templ), "video") == 0;
  const char* pad_name = video ? "video" : "audio_0";
  if (name && !video && std::strcmp(name, pad_name) != 0) {
    GST_WARNING_OBJECT(element_, "no pad %s: one audio track, audio_0, is taken", name);
    return nullptr;
  }
  auto owned = std::make_unique<Pad>();
  Pad* pad = owned.get();
  pad->owner = this;
  pad->kind = video ? codec::Kind::video : codec::Kind::audio;
  gst_segment_init(&pad->segment, GST_FORMAT_UNDEFINED);
  pad->pad =
      Ref<GstPad>::adopt(GST_PAD_CAST(gst_object_ref_sink(gst_pad_new_from_template(templ, pad_name))));
  GstPad* gst_pad = pad->pad.get();
  gst_pad_set_element_private(gst_pad, pad);
  gst_pad_set_chain_function(gst_pad, (trampoline<&EncodedInput::on_chain, GST_FLOW_ERROR>));
  gst_pad_set_chain_list_function(gst_pad, (trampoline<&EncodedInput::on_chain_list, GST_FLOW_ERROR>));
  gst_pad_set_event_function(gst_pad, (trampoline<&EncodedInput::on_event, FALSE>));
  gst_pad_set_link_function(gst_pad, (trampoline<&EncodedInput::on_link, GST_PAD_LINK_REFUSED>));
  gst_pad_set_unlink_function(gst_pad, (trampoline<&EncodedInput::on_unlink>));
  gst_pad_set_activatemode_function(gst_pad, (trampoline<&EncodedInput::on_activate_mode, FALSE>));
  {
    std::lock_guard lock(mutex_);
    const bool taken = std::any_of(pads_.begin(), pads_.end(),
                                   [pad](const auto& other) { return other->kind == pad->kind; });
    if (taken) {
      GST_WARNING_OBJECT(element_, "pad %s is there already", pad_name);
      return nullptr;
    }
    if (recorder_) {
      pad->track = recorder_->add_track(pad->kind);
      recorder_->set_active(pad->track, false);
      watch_opening();
    }
    pads_.push_back(std::move(owned));
  }
  if (GST_STATE(element_) >= GST_STATE_PAUSED || GST_STATE_NEXT(element_) >= GST_STATE_PAUSED)
    gst_pad_set_active(gst_pad, TRUE);
  gst_element_add_pad(element_, gst_pad);
  return gst_pad;
}

bool EncodedInput::has_pads() const {
  std::lock_guard lock(mutex_);
  return !pads_.empty();
}

void EncodedInput::release_pad(GstPad* gst_pad) {
  gst_pad_set_active(gst_pad, FALSE);  // waits for its streaming thread
  std::unique_ptr<Pad> pad;            // until it is unlinked
  {
    std::lock_guard lock(mutex_);
    const auto found = std::find_if(pads_.begin(), pads_.end(),
                                    [gst_pad](const auto& other) { return other->pad.get() == gst_pad; });
    if (found == pads_.end()) return;
    pad = std::move(*found);
    pads_.erase(found);
    if (pad->track) recorder_->remove_track(std::exchange(pad->track, nullptr));
    moved_.notify_all();
  }
  gst_element_remove_pad(element_, gst_pad);
  after_input();
}

Result<void> EncodedInput::start(RecorderSettings settings) {
  // The archive's thread opens runs for others too, and the clock's serves everybody: what comes of this one
  // is written on another.
  const std::function<void()> wake = [this, weak = std::make_shared<WeakElement>(element_)] {
    if (const Ref<GstElement> element = weak->get())
      gst_element_call_async(element.get(), trampoline<&EncodedInput::on_opened>, this, nullptr);
  };
  auto recorder = Recorder::open(
      std::move(settings), [this](Output output) { outbox_.put(std::move(output)); }, wake);
  if (!recorder) return Unexpected(recorder.error());
  // Asked without the lock: GStreamer calls on_unlink() with the pad's own lock held.
  std::vector<GstPad*> linked;
  for (const auto& pad : pads())
    if (gst_pad_is_linked(pad.get())) linked.push_back(pad.get());
  std::lock_guard lock(mutex_);
  recorder_ = std::move(recorder).value();
  wake_ = wake;
  live_ = eos_told_ = false;
  for (const auto& pad : pads_) {
    pad->track = recorder_->add_track(pad->kind);
    recorder_->set_active(pad->track,
                          std::find(linked.begin(), linked.end(), pad->pad.get()) != linked.end());
  }
  return {};
}

void EncodedInput::stop() {
  std::unique_ptr<Recorder> recorder;  // ends without the lock: it may wait for the disk, and nobody for it
  {
    std::lock_guard lock(mutex_);
    recorder = std::move(recorder_);
    forget_deadline();
    if (recorder) last_stats_ = recorder->stats();
    last_stats_.recording = false;
    for (const auto& pad : pads_) {
      pad->track = nullptr;
      gst_segment_init(&pad->segment, GST_FORMAT_UNDEFINED);
    }
    moved_.notify_all();
  }
  if (recorder) {
    recorder->stop();
    std::lock_guard lock(mutex_);
    last_stats_ = recorder->stats();
  }
  recorder.reset();
  drain();
}

void EncodedInput::on_opened(GstElement*, gpointer data) {
  auto& self = *static_cast<EncodedInput*>(data);
  {
    std::lock_guard lock(self.mutex_);
    self.forget_deadline();
    if (self.recorder_) self.recorder_->look();
    self.moved_.notify_all();
  }
  self.after_input();
}

// With the lock, after whatever may begin or end an opening. One that lasts too long is given up though
// nothing follows, and though its disk never answers.
void EncodedInput::watch_opening() {
  if (!recorder_ || !recorder_->opening()) return forget_deadline();
  if (open_deadline_) return;
  const Ref<GstClock> clock = Ref<GstClock>::adopt(gst_system_clock_obtain());
  const auto left = static_cast<GstClockTime>(recorder_->open_left_us() + 1) * GST_USECOND;
  open_deadline_ = gst_clock_new_single_shot_id(clock.get(), gst_clock_get_time(clock.get()) + left);
  using Wake = std::function<void()>;
  const auto on_deadline = +[](GstClock*, GstClockTime, GstClockID, gpointer wake) -> gboolean {
    (*static_cast<Wake*>(wake))();
    return TRUE;
  };
  gst_clock_id_wait_async(open_deadline_, on_deadline, new Wake(wake_),
                          [](gpointer wake) { delete static_cast<Wake*>(wake); });
}

void EncodedInput::forget_deadline() {
  if (!open_deadline_) return;
  gst_clock_id_unschedule(open_deadline_);
  gst_clock_id_unref(std::exchange(open_deadline_, nullptr));
}

RecorderStats EncodedInput::stats() const {
  std::lock_guard lock(mutex_);
  return recorder_ ? recorder_->stats() : last_stats_;
}

std::vector<Ref<GstPad>> EncodedInput::pads() const {
  std::lock_guard lock(mutex_);
  std::vector<Ref<GstPad>> result;
  for (const auto& pad : pads_) result.push_back(pad->pad);
  return result;
}

bool EncodedInput::query_latency(GstQuery* query) const {
  bool answered = false, live = false;
  GstClockTime min = 0, max = GST_CLOCK_TIME_NONE;
  for (const auto& pad : pads()) {
    const Ref<GstQuery> one = Ref<GstQuery>::adopt(gst_query_new_latency());
    if (!gst_pad_peer_query(pad.get(), one.get())) continue;
    answered = true;
    gboolean pad_live = FALSE;
    GstClockTime pad_min = 0, pad_max = GST_CLOCK_TIME_NONE;
    gst_query_parse_latency(one.get(), &pad_live, &pad_min, &pad_max);
    if (!pad_live) continue;
    live = true;
    min = std::max(min, pad_min);
    max = std::min(max, pad_max);  // NONE is the largest
  }
  if (answered) gst_query_set_latency(query, live, min, max);
  return answered;
}

bool EncodedInput::send_upstream(GstEvent* event) const {
  const Ref<GstEvent> owned = Ref<GstEvent>::adopt(event);
  bool sent = false;
  for (const auto& pad : pads()) sent |= gst_pad_push_event(pad.get(), gst_event_ref(event)) == TRUE;
  return sent;
}

// Delivers output, and EOS after it when this was the last pad's. False: another thread delivers it now.
bool EncodedInput::after_input() {
  {
    std::lock_guard lock(mutex_);
    watch_opening();
    if (recorder_ && !eos_told_ && recorder_->all_eos()) {
      eos_told_ = true;
      outbox_.put(EndOfStream{});
    }
  }
  return drain();
}

bool EncodedInput::drain() {
  return outbox_.drain([this](auto&& items) {
    std::vector<Output> outputs;
    bool ended = false;
    for (auto& item : items) {
      if (auto* output = std::get_if<Output>(&item))
        outputs.push_back(std::move(*output));
      else
        ended = true;
    }
    if (!outputs.empty()) deliver_(std::move(outputs));
    if (ended) on_eos_();
  });
}

GstFlowReturn EncodedInput::on_chain(GstPad* gst_pad, GstObject*, GstBuffer* buffer) {
  auto& pad = *static_cast<Pad*>(gst_pad_get_element_private(gst_pad));
  return pad.owner->take(pad, Ref<GstBuffer>::adopt(buffer));
}

GstFlowReturn EncodedInput::on_chain_list(GstPad* gst_pad, GstObject*, GstBufferList* list) {
  auto& pad = *static_cast<Pad*>(gst_pad_get_element_private(gst_pad));
  const Ref<GstBufferList> owned = Ref<GstBufferList>::adopt(list);
  EncodedInput& self = *pad.owner;
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

GstFlowReturn EncodedInput::take(Pad& pad, Ref<GstBuffer> buffer) {
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
  if (auto track = pad.finder.look(mapped.bytes())) recorder_->configure(pad.track, std::move(*track));
  if (!pad.finder.usable(mapped.bytes())) return;
  unit.data = mapped.bytes();
  unit.holder = std::move(mapped).into_holder();
  recorder_->push(pad.track, std::move(unit));
}

// Where no source is live, a track waits for a run that is being opened, and for the others when it is far
// ahead, so that they end up in the same parts: at most kTrackWaitUs, because one that is waited for may
// never come.
void EncodedInput::hold_back(Pad& pad, std::unique_lock<std::mutex>& lock) {
  if (live_) return;
  const auto wait = [&](int64_t us, auto until) {
    return moved_.wait_for(lock, std::chrono::microseconds(us),
                           [&] { return pad.flushing || !pad.track || until(); });
  };
  if (!wait(recorder_->open_left_us(), [&] { return !recorder_->opening(); })) recorder_->look();
  if (!wait(kTrackWaitUs, [&] { return !recorder_->ahead(pad.track); }))
    recorder_->give_up_waiting(pad.track);
}

GstPadLinkReturn EncodedInput::on_link(GstPad* gst_pad, GstObject*, GstPad*) {
  auto& pad = *static_cast<Pad*>(gst_pad_get_element_private(gst_pad));
  std::lock_guard lock(pad.owner->mutex_);
  if (pad.track) pad.owner->recorder_->set_active(pad.track, true);
  pad.owner->watch_opening();
  return GST_PAD_LINK_OK;
}

void EncodedInput::on_unlink(GstPad* gst_pad, GstObject*) {
  auto& pad = *static_cast<Pad*>(gst_pad_get_element_private(gst_pad));
  std::lock_guard lock(pad.owner->mutex_);
  if (pad.track) pad.owner->recorder_->set_active(pad.track, false);
  pad.owner->watch_opening();
  pad.owner->moved_.notify_all();
}

gboolean EncodedInput::on_activate_mode(GstPad* gst_pad, GstObject*, GstPadMode mode, gboolean active) {
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  auto& pad = *static_cast<Pad*>(gst_pad_get_element_private(gst_pad));
  pad.owner->set_flushing(pad, !active);
  return TRUE;
}

void EncodedInput::set_flushing(Pad& pad, bool flushing) {
  std::lock_guard lock(mutex_);
  pad.flushing = flushing;
  moved_.notify_all();
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
      return handle_caps(pad, caps);
    }
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
  live_ |= live == TRUE;
}

}  // namespace headgate::gst

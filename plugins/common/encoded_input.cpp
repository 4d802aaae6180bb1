// SPDX-License-Identifier: LGPL-2.1-or-later
#include "encoded_input.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "codec_caps.h"
#include "encoded_input_pad.h"
#include "settings.h"
#include "trampoline.h"

GST_DEBUG_CATEGORY(encoded_input_debug);
#define GST_CAT_DEFAULT encoded_input_debug

namespace headgate::gst {

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

bool EncodedInput::has_pad(codec::Kind kind) const {
  std::lock_guard lock(mutex_);
  return std::any_of(pads_.begin(), pads_.end(), [kind](const auto& pad) { return pad->kind == kind; });
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

Result<void> EncodedInput::start(RecorderSettings settings, InputTap* tap, Recorded recorded) {
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
  tap_ = tap;
  recorded_ = recorded;
  wake_ = wake;
  live_ = false;
  eos_told_ = false;
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
  if (!recorder_) return last_stats_;
  RecorderStats stats = recorder_->stats();
  stats.commits = recorder_->commits();
  return stats;
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

}  // namespace headgate::gst

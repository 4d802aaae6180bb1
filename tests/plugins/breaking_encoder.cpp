// SPDX-License-Identifier: LGPL-2.1-or-later
#include "breaking_encoder.h"

#include <gst/gst.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace headgate::test {
namespace {

std::atomic<int> frames_of{-1}, hanging_now{0}, sound_now{0}, alive_now{0}, drained_now{0};
std::atomic<BreakingEncoder::Hang> hang_of{BreakingEncoder::Hang::no};
std::mutex mutex;  // below
std::condition_variable changed;
bool let_go_now = true;

GstPadProbeReturn on_frame(GstPad*, GstPadProbeInfo*, gpointer left) {
  if ((*static_cast<int*>(left))-- > 0) return GST_PAD_PROBE_OK;
  if (hang_of == BreakingEncoder::Hang::swallows) return GST_PAD_PROBE_DROP;
  std::unique_lock lock(mutex);
  if (let_go_now) return GST_PAD_PROBE_OK;
  if (hang_of == BreakingEncoder::Hang::slows) {
    changed.wait_for(lock, std::chrono::milliseconds(BreakingEncoder::kSlowMs), [] { return let_go_now; });
    return GST_PAD_PROBE_OK;
  }
  changed.wait(lock, [] { return let_go_now; });
  return GST_PAD_PROBE_DROP;
}

GstPadProbeReturn on_event(GstPad*, GstPadProbeInfo* info, gpointer) {
  if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS) ++drained_now;
  return GST_PAD_PROBE_OK;
}

GObjectClass* parent_class = nullptr;

void add_ghost(GstElement* bin, GstElement* of, const char* name) {
  GstPad* const pad = gst_element_get_static_pad(of, name);
  gst_element_add_pad(bin, gst_ghost_pad_new(name, pad));
  gst_object_unref(pad);
}

void init(GTypeInstance* instance, gpointer) {
  ++alive_now;
  GstElement* const encoder = gst_element_factory_make("x264enc", nullptr);
  GstElement* const breaks = gst_element_factory_make("identity", nullptr);
  const bool drains = hang_of == BreakingEncoder::Hang::drains;
  gst_util_set_object_arg(G_OBJECT(encoder), "speed-preset", drains ? "veryfast" : "ultrafast");
  if (!drains) gst_util_set_object_arg(G_OBJECT(encoder), "tune", "zerolatency");
  g_object_set(encoder, "key-int-max", 100000, nullptr);
  if (drains || hang_of == BreakingEncoder::Hang::no) {
    g_object_set(breaks, "error-after", frames_of.load(), nullptr);
  } else if (sound_now-- <= 0 && hanging_now-- > 0) {
    GstPad* const pad = gst_element_get_static_pad(breaks, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, new int(frames_of),
                      [](gpointer left) { delete static_cast<int*>(left); });
    gst_object_unref(pad);
  }
  gst_bin_add_many(GST_BIN(instance), encoder, breaks, nullptr);
  gst_element_link(encoder, breaks);
  GstPad* const out = gst_element_get_static_pad(breaks, "src");
  gst_pad_add_probe(out, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event, nullptr, nullptr);
  gst_object_unref(out);
  add_ghost(GST_ELEMENT(instance), encoder, "sink");
  add_ghost(GST_ELEMENT(instance), breaks, "src");
}

void finalize(GObject* object) {
  --alive_now;
  parent_class->finalize(object);
}

void class_init(gpointer klass, gpointer) {
  parent_class = G_OBJECT_CLASS(g_type_class_peek_parent(klass));
  G_OBJECT_CLASS(klass)->finalize = finalize;
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Breaking encoder", "Codec/Encoder/Video",
                                        "Fails after some frames", "Headgate developers");
}

void sound_init(GTypeInstance* instance, gpointer) {
  GstElement* const encoder = gst_element_factory_make("avenc_aac", nullptr);
  GstElement* const breaks = gst_element_factory_make("identity", nullptr);
  g_object_set(breaks, "error-after", frames_of.load(), nullptr);
  gst_bin_add_many(GST_BIN(instance), encoder, breaks, nullptr);
  gst_element_link(encoder, breaks);
  add_ghost(GST_ELEMENT(instance), encoder, "sink");
  add_ghost(GST_ELEMENT(instance), breaks, "src");
}

void sound_class_init(gpointer klass, gpointer) {
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Breaking encoder", "Codec/Encoder/Audio",
                                        "Fails after some frames", "Headgate developers");
}

void forget_element(const char* name) {
  GstPluginFeature* const feature = gst_registry_lookup_feature(gst_registry_get(), name);
  if (!feature) return;
  gst_registry_remove_feature(gst_registry_get(), feature);
  gst_object_unref(feature);
}

}  // namespace

void BreakingEncoder::use_sound(int frames) {
  frames_of = frames;
  static const GType type =
      g_type_register_static_simple(GST_TYPE_BIN, "HeadgateBreakingSoundEncoder", sizeof(GstBinClass),
                                    sound_class_init, sizeof(GstBin), sound_init, static_cast<GTypeFlags>(0));
  gst_element_register(nullptr, "fdkaacenc", GST_RANK_NONE, type);
}

void BreakingEncoder::forget_sound() {
  forget_element("fdkaacenc");
}

void BreakingEncoder::forget() {
  forget_element("nvh264enc");
}

void BreakingEncoder::let_go() {
  std::lock_guard lock(mutex);
  let_go_now = true;
  changed.notify_all();
}

void BreakingEncoder::hold(Hang hang) {
  std::lock_guard lock(mutex);
  hang_of = hang;
  let_go_now = false;
}

void BreakingEncoder::use(int frames, Hang hang, int hanging, int sound) {
  frames_of = frames;
  drained_now = 0;
  hanging_now = hanging;
  sound_now = sound;
  hang_of = hang;
  {
    std::lock_guard lock(mutex);
    let_go_now = false;
  }
  static const GType type =
      g_type_register_static_simple(GST_TYPE_BIN, "HeadgateBreakingEncoder", sizeof(GstBinClass), class_init,
                                    sizeof(GstBin), init, static_cast<GTypeFlags>(0));
  gst_element_register(nullptr, "nvh264enc", GST_RANK_NONE, type);
}

int BreakingEncoder::alive() {
  return alive_now;
}

int BreakingEncoder::drained() {
  return drained_now;
}

}  // namespace headgate::test

// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-healthprobe
 * @title: healthprobe
 *
 * Passes streams through untouched, buffers and buffer lists alike, and measures them: bit rate, frame rate,
 * length and age of GOPs, timestamps that jump or go back, stalls, and how far audio drifts from video; and,
 * where #healthprobe:content-interval says so, whether pictures are black, frozen or those of a covered lens,
 * and sound is silent or clipped (docs/health.md). Each requested pad `sink_%u` comes with its `src_%u`.
 *
 * The measures are in #healthprobe:stats and in element messages `headgate-health`, every
 * #healthprobe:interval and whenever a stream stalls, resumes, jumps or goes back.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -m videotestsrc is-live=true ! x264enc tune=zerolatency ! h264parse ! healthprobe ! fakesink
 * ]|
 * Prints the health of a test picture once a second.
 */
#include "gsthealthprobe.h"

#include "common/settings.h"
#include "common/trampoline.h"
#include "probe.h"
#include "threshold_properties.h"

GST_DEBUG_CATEGORY(healthprobe_debug);
#define GST_CAT_DEFAULT healthprobe_debug

using namespace headgate::gst;
using namespace headgate::healthprobe;

namespace {

struct State {
  explicit State(GstElement* element) : probe(element) {}
  ProbeSettings settings;  // object lock
  Probe probe;
};

enum Property {
  kInterval = 1,
  kContentInterval,
  kContentBudget,
  kPictures,
  kStats,
  kThresholds  // and behind it
};

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);

}  // namespace

struct _GstHealthProbe {
  GstElement parent;
  State* state;
};

G_DEFINE_TYPE(GstHealthProbe, gst_health_probe, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(healthprobe, "healthprobe", GST_RANK_NONE, GST_TYPE_HEALTH_PROBE,
                                      GST_DEBUG_CATEGORY_INIT(healthprobe_debug, "healthprobe", 0,
                                                              "healthprobe element"))

namespace {

State& state_of(void* object) {
  return *GST_HEALTH_PROBE(object)->state;
}

GstPad* request_new_pad(GstElement* element, GstPadTemplate*, const gchar* name, const GstCaps*) {
  return state_of(element).probe.request_pad(name);
}

void release_pad(GstElement* element, GstPad* pad) {
  state_of(element).probe.release_pad(pad);
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  State& state = state_of(element);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    state.probe.play(copy_settings(element, state.settings));
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) state.probe.pause();
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_health_probe_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) state.probe.reset();
  return result;
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  ProbeSettings& settings = state_of(object).settings;
  ObjectLock lock(object);
  if (id >= kThresholds && set_threshold(settings, id - kThresholds, value)) return;
  switch (id) {
    case kInterval:
      settings.interval = static_cast<int64_t>(g_value_get_uint64(value));
      break;
    case kContentInterval:
      settings.content.interval = static_cast<int64_t>(g_value_get_uint64(value));
      break;
    case kContentBudget:
      settings.content.budget = g_value_get_uint(value);
      break;
    case kPictures:
      settings.content.pictures = g_value_get_boolean(value) != FALSE;
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  if (id == kStats) {
    g_value_take_boxed(value, state.probe.stats().release());
    return;
  }
  ObjectLock lock(object);
  if (id >= kThresholds && get_threshold(state.settings, id - kThresholds, value)) return;
  switch (id) {
    case kInterval:
      g_value_set_uint64(value, static_cast<guint64>(state.settings.interval));
      break;
    case kContentInterval:
      g_value_set_uint64(value, static_cast<guint64>(state.settings.content.interval));
      break;
    case kContentBudget:
      g_value_set_uint(value, state.settings.content.budget);
      break;
    case kPictures:
      g_value_set_boolean(value, state.settings.content.pictures);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void want_picture(GstHealthProbe* self) {
  state_of(self).probe.want_picture();
}

void finalize(GObject* object) {
  delete GST_HEALTH_PROBE(object)->state;
  G_OBJECT_CLASS(gst_health_probe_parent_class)->finalize(object);
}

void install_properties(GObjectClass* klass) {
  const ProbeSettings defaults;
  constexpr guint64 kMax = 3600 * GST_SECOND;
  const auto install = [klass](guint id, const char* name, const char* nick, const char* blurb, guint64 min,
                               int64_t value) {
    g_object_class_install_property(
        klass, id,
        g_param_spec_uint64(name, nick, blurb, min, kMax, static_cast<guint64>(value), kReadWrite));
  };
  install(kInterval, "interval", "Interval",
          "Time between two regular messages (ns); 0: none, only changes are told", 0, defaults.interval);
  install(kContentInterval, "content-interval", "Content interval",
          "Time between two samples of what is to be seen and heard in a stream: a key frame, a "
          "second of sound "
          "(ns); 0: content is not looked at",
          0, defaults.content.interval);
  g_object_class_install_property(
      klass, kContentBudget,
      g_param_spec_uint(
          "content-budget", "Content budget",
          "Thousandths of a core that looking at content and pictures that are wanted may take, of all "
          "streams of the "
          "process together: where "
          "it is not enough, samples are fewer. The smallest of the process's elements counts",
          1, 1000, defaults.content.budget, kReadWrite));
  g_object_class_install_property(
      klass, kPictures,
      g_param_spec_boolean("pictures", "Pictures",
                           "A key frame's picture is decoded and told when somebody wants one (want-picture)",
                           defaults.content.pictures, kReadWrite));
  install_thresholds(klass, kThresholds);
  g_object_class_install_property(
      klass, kStats,
      g_param_spec_boxed(
          "stats", "Statistics",
          "The last measures: stalled, late, av-offset, av-drift, drifting, out-of-sync, and for each pad in "
          "streams its rates, GOP, ages, jitter, jumps, stalls and content, and what of it is wrong",
          GST_TYPE_STRUCTURE, kReadOnly));
}

}  // namespace

static void gst_health_probe_class_init(GstHealthProbeClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = trampoline<set_property>;
  object_class->get_property = trampoline<get_property>;
  object_class->finalize = trampoline<finalize>;
  element_class->request_new_pad = (trampoline<request_new_pad, nullptr>);
  element_class->release_pad = trampoline<release_pad>;
  element_class->change_state = (trampoline<change_state, GST_STATE_CHANGE_FAILURE>);
  install_properties(object_class);
  /**
   * GstHealthProbe::want-picture:
   *
   * The next key frame's picture is posted as an element message `headgate-picture`, once: `jpeg` (GBytes,
   * 320 pixels at most) and `pad`. It counts in #healthprobe:content-budget.
   */
  g_signal_new_class_handler("want-picture", G_TYPE_FROM_CLASS(klass),
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK(trampoline<want_picture>), nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Health probe", "Generic/Analyzer",
      "Measures rates, GOPs, timestamps and stalls of the streams that pass through", "Headgate developers");
}

static void gst_health_probe_init(GstHealthProbe* self) {
  self->state = new State(GST_ELEMENT_CAST(self));
}
